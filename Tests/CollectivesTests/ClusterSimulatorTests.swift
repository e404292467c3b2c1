// Times that can be computed by hand; what must and must not depend on what.

import Testing

@testable import Collectives

/// Messages cost latency and bandwidth alone.
func plainModel(latency: Double = 1e-3, bandwidth: Double = 4e6) -> ClusterModel {
  var model = ClusterModel()
  (model.latency, model.bandwidth, model.handshake) = (latency, bandwidth, 0)
  (model.sendOverhead, model.receiveOverhead, model.eagerLimit) = (0, 0, 1 << 40)
  model.sendBuffer = 1 << 40
  (model.reduceCost, model.memoryCost, model.fence) = (0, 0, 0)
  return model
}

/// Whether two times are the same but for rounding.
func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-9 * max(abs(a), abs(b)) }

@Suite struct ClusterSimulatorTests {
  private func seconds(
    _ name: String, _ ranks: Int, _ count: Int, _ model: ClusterModel, perNode: Int = 1
  ) throws -> Double {
    try ClusterSimulator(model, topology: topology(ranks, perNode: perNode))
      .allReduce(allReduceCatalog.find(name), count: count).seconds
  }

  private func seconds(_ schedules: [Schedule], _ model: ClusterModel, perNode: Int = 1) throws
    -> Double
  {
    try ClusterSimulator(model, topology: topology(schedules.count, perNode: perNode))
      .run(schedules, useSymmetry: false).seconds
  }

  // MARK: formulas of the literature; a is latency, b seconds per byte, c per byte added

  @Test(arguments: [2, 3, 4, 8, 32])
  func ring(ranks: Int) throws {
    var model = plainModel()
    model.reduceCost = 1e-8
    let count = 1600 * ranks
    let (a, b, c, n, m) = (1e-3, 1 / 4e6, 1e-8, Double(ranks), Double(4 * count))
    #expect(
      isClose(
        try seconds("ring", ranks, count, model),
        2 * (n - 1) * (a + m / n * b) + (n - 1) * m / n * c))
  }

  @Test(arguments: [1, 2, 3, 4, 5])
  func tree(levels: Int) throws {
    var model = plainModel()
    model.reduceCost = 1e-8
    // One after the other: too long to start before their round (see `LookAhead`), and complete
    // only when they have left.
    model.sendBuffer = 0
    let count = LookAhead.bytes / 4 + 1
    let k = Double(levels), m = Double(4 * count)
    #expect(
      isClose(
        try seconds("tree", 1 << levels, count, model), 2 * k * (1e-3 + m / 4e6) + k * m * 1e-8))
  }

  @Test(arguments: [1, 2, 3, 4, 5])
  func halvingDoubling(levels: Int) throws {
    var model = plainModel()
    model.reduceCost = 1e-8
    let ranks = 1 << levels
    let (k, n, m) = (Double(levels), Double(ranks), Double(4 * 1600 * ranks))
    #expect(
      isClose(
        try seconds("halving-doubling", ranks, 1600 * ranks, model),
        2 * k * 1e-3 + 2 * (n - 1) / n * m / 4e6 + (n - 1) / n * m * 1e-8))
  }

  @Test func overheadsAndHandshakes() throws {
    var model = plainModel()
    (model.sendOverhead, model.receiveOverhead) = (2e-4, 3e-4)
    let free = try seconds("ring", 2, 3200, plainModel())
    #expect(isClose(try seconds("ring", 2, 3200, model), free + 2 * 5e-4))
    // A long message is asked for, and answered, before it leaves.
    (model.eagerLimit, model.handshake) = (6399, 8e-4)
    #expect(isClose(try seconds("ring", 2, 3200, model), free + 2 * 5e-4 + 2 * 8e-4))
    model.eagerLimit = 6400
    #expect(isClose(try seconds("ring", 2, 3200, model), free + 2 * 5e-4))
  }

  // MARK: contention

  @Test func messagesShareAPort() throws {
    let model = plainModel()
    let all = 0..<1000
    func star(_ senders: Int) -> [Schedule] {
      [Schedule([(1...senders).map { .receive(all, from: $0, .add) }])]
        + (1...senders).map { _ in Schedule([[.send(all, to: 0)]]) }
    }
    for senders in 1...5 {
      #expect(isClose(try seconds(star(senders), model), 1e-3 * Double(senders) + 1e-3))
    }
    // What one message cannot use the others get: 2 -> 4 runs at two thirds of the port.
    let crossed = [
      Schedule([[.send(all, to: 3)]]), Schedule([[.send(all, to: 3)]]),
      Schedule([[.send(all, to: 3), .send(0..<2000, to: 4)]]),
      Schedule([
        [
          .receive(all, from: 0, .add), .receive(all, from: 1, .add),
          .receive(all, from: 2, .add),
        ]
      ]),
      Schedule([[.receive(0..<2000, from: 2, .copy)]]),
    ]
    #expect(isClose(try seconds(crossed, model), 3e-3 + 1e-3))
  }

  @Test func aSendIsCompleteWhenItsBytesHaveLeft() throws {
    // One child after the other, or both at once.
    var model = plainModel()
    let all = 0..<1000
    let schedules = [
      Schedule([[.send(all, to: 1)], [.add(0..<10, to: 10)], [.send(all, to: 2)]]),
      Schedule([[.receive(all, from: 0, .copy)], [.send(all, to: 3)]]),
      Schedule([[.receive(all, from: 0, .copy)]]), Schedule([[.receive(all, from: 1, .copy)]]),
    ]
    #expect(isClose(try seconds(schedules, model), 3e-3 + 2e-3))
    model.sendBuffer = 3999
    #expect(isClose(try seconds(schedules, model), 2e-3 + 2e-3))
  }

  @Test func whatLiesBetweenThePorts() throws {
    var model = plainModel()
    let free = try seconds("ring", 8, 12800, model)
    model.fabric = 8 * 4e6
    #expect(isClose(try seconds("ring", 8, 12800, model), free))
    model.fabric = 2 * 4e6
    #expect(isClose(try seconds("ring", 8, 12800, model), 14e-3 + (free - 14e-3) * 4))
  }

  @Test func oneSlowNode() throws {
    var model = plainModel()
    model.sendBuffer = 0
    let even = try seconds("ring", 4, 6400, model)
    model.nodeSpeed = [3: 0.25]
    let slow = try seconds("ring", 4, 6400, model)
    // Every block passes the slow node's port; between two of its messages nothing waits.
    #expect(slow > even + 3 * 3 * 1.6e-3 && slow <= 6e-3 + (even - 6e-3) * 4 * (1 + 1e-9))
  }

  // MARK: within a node

  @Test func sharedMemory() throws {
    var model = plainModel()
    (model.memoryCost, model.fence) = (1e-9, 5e-5)
    // A quarter of the vector read four times, written four times; a fence before and after.
    #expect(
      isClose(
        try seconds("shared", 4, 64_000, model, perNode: 4), 2 * 5e-5 + 8 * 64_000 * 1e-9))
    model.cores = 2
    #expect(
      isClose(
        try seconds("shared", 4, 64_000, model, perNode: 4), 2 * 5e-5 + 2 * 8 * 64_000 * 1e-9))
    // Messages within a node touch no port.
    (model.localLatency, model.localBandwidth, model.cores) = (1e-4, 4e8, nil)
    #expect(
      isClose(try seconds("ring", 2, 3200, model, perNode: 2), 2 * (1e-4 + 6400 / 4e8)))
  }

  @Test func namespacesOfOneMachineShareItsProcessors() throws {
    var model = plainModel()
    model.reduceCost = 1e-7
    let count = 1600 * 8, added = 7 * 6400 * 1e-7
    let free = try seconds("ring", 8, count, model)
    (model.cores, model.isOneMachine) = (2, true)
    #expect(isClose(try seconds("ring", 8, count, model), free + 3 * added))
  }

  // MARK: a training step

  @Test func computingHidesCommunication() throws {
    let algorithm = try allReduceCatalog.find("ring")
    var model = plainModel()
    let simulator = try ClusterSimulator(model, topology: .scattered(4))
    let one = try simulator.allReduce(algorithm, count: 6400).seconds
    func step(_ stages: [(Double, Int)]) throws -> Double {
      try ClusterSimulator(model, topology: .scattered(4)).step(
        algorithm,
        stages: stages.map { ClusterSimulator.Stage(seconds: $0.0, count: $0.1) }
      ).seconds
    }
    #expect(isClose(try step([(1, 6400)]), 1 + one))
    #expect(isClose(try step([(1, 6400), (1, 0)]), 2))
    #expect(isClose(try step([(1, 6400), (one / 2, 0)]), 1 + one))
    // Two at once share the links, but not the waiting.
    let both = try step([(1, 6400), (0, 6400)])
    #expect(both > 1 + one && both < 1 + 2 * one)
    // Additions take their processor time from computing.
    model.reduceCost = 1e-6
    #expect(isClose(try step([(1, 6400), (1, 0)]), 2 + 3 * 6400 * 1e-6))
  }

  // MARK: what must hold anyway

  @Test(arguments: simulatedNames)
  func isMonotonicAndDeterministic(name: String) throws {
    let algorithm = try allReduceCatalog.find(name)
    let model = ClusterModel()
    for (ranks, perNode) in [(8, 1), (12, 3), (12, 12)]
    where algorithm.objection(to: topology(ranks, perNode: perNode)) == nil {
      let base = try seconds(name, ranks, 100_000, model, perNode: perNode)
      #expect(try seconds(name, ranks, 100_000, model, perNode: perNode) == base)
      #expect(try seconds(name, ranks, 200_000, model, perNode: perNode) > base)
      for path in [\ClusterModel.latency, \.reduceCost, \.memoryCost, \.localLatency, \.fence] {
        var slower = model
        slower[keyPath: path] *= 2
        // Where messages share ports, one that comes later may spare another: a little.
        #expect(try seconds(name, ranks, 100_000, slower, perNode: perNode) >= 0.98 * base)
      }
      var faster = model
      faster.bandwidth *= 2
      #expect(try seconds(name, ranks, 100_000, faster, perNode: perNode) <= 1.02 * base)
    }
  }

  @Test func unequalNodes() throws {
    let uneven = Topology(nodes: [0, 0, 0, 1, 1, 2, 2, 2, 2])
    for name in ["ring", "tree"] {
      let outcome = try ClusterSimulator(ClusterModel(), topology: uneven)
        .allReduce(allReduceCatalog.find(name), count: 90_000)
      #expect(outcome.representatives == 9 && outcome.nodes == 3 && outcome.seconds > 0)
    }
  }

  // MARK: what cannot be

  @Test func refusals() throws {
    let all = 0..<8
    func refusal(_ schedules: [Schedule]) -> String {
      do {
        _ = try seconds(schedules, plainModel())
        return "none"
      } catch { return "\(error)" }
    }
    #expect(
      refusal([
        Schedule([[.receive(all, from: 1, .copy)], [.send(all, to: 1)]]),
        Schedule([[.receive(all, from: 0, .copy)], [.send(all, to: 0)]]),
      ]).contains("deadlock"))
    #expect(
      refusal([Schedule([[.send(all, to: 1)]]), Schedule([[.receive(0..<7, from: 0, .copy)]])])
        .contains("nobody sends"))
    #expect(refusal([Schedule([[.send(all, to: 1)]]), Schedule()]).contains("0 receives"))
    var model = ClusterModel()
    model.bandwidth = 0
    #expect(throws: SimulationError.self) {
      try ClusterSimulator(model, topology: .scattered(2))
    }
    #expect(throws: SimulationError.self) {
      try seconds("native", 4, 1000, plainModel())
    }
    #expect(throws: SimulationError.self) { try seconds("shared", 4, 1000, plainModel()) }
  }
}
