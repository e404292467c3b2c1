import Basics
import Collectives
import Messaging
import Optimizers
import Strategies
import Testing

@Suite struct LocalSGDTests {
  /// What one rank ends with.
  private struct Outcome: Equatable {
    var parameters: [Float] = []
    var state: [[Float]] = []
    var model: [Float] = []
  }

  private static let size = 19

  /// Some steps on shares of batches of `shares`' sum.
  private static func train(
    _ name: String, _ settings: [String: String] = [:], shares: [Int], steps: Int,
    optimizer: any Optimizer = SGD(), allReduce: String = "ring", looksAtModel: Bool = false
  ) throws -> [Outcome] {
    try LocalWorld.run(ranks: shares.count) { communicator in
      let worker = try worker(
        Quadratic(size, tensors: 3), optimizer, on: communicator, allReduce: allReduce)
      let strategy = try strategy(name, settings, worker)
      let first = shares[..<communicator.rank].reduce(0, +)
      let count = shares[communicator.rank]
      for step in 0..<steps {
        let samples = Samples(shares.reduce(0, +), size: size, seed: UInt64(step))
        let report = try strategy.step(
          samples.batch(first..<first + count, of: shares.reduce(0, +)))
        if !report.isGlobal { #expect(report.samples == count && report.correct == Double(count)) }
        if looksAtModel { _ = try strategy.model() }
      }
      #expect(worker.replica.updates == steps)
      let length = worker.replica.layout.count
      return Outcome(
        parameters: Array(worker.replica.parameters.values),
        state: worker.replica.optimizerState[0].slots.map { Array($0.values) },
        model: Array(UnsafeBufferPointer(start: try strategy.model(), count: length)))
    }
  }

  private static func distance(_ a: [Float], _ b: [Float]) -> Float {
    zip(a, b).map { abs($0 - $1) }.max() ?? 0
  }

  /// METHODS, "mean of means": shares are weighted by their samples.
  @Test(arguments: allReduceCatalog.names)
  func averagingAfterEveryStepIsSynchronousSGD(_ allReduce: String) throws {
    for shares in [[15], [7, 5, 3], [15, 0], [1, 6, 0, 8], [3, 2, 2, 2, 2, 2, 1, 1]] {
      let expected = try Self.train("sync", shares: shares, steps: 5, allReduce: allReduce)[0]
      let found = try Self.train(
        "local-sgd", ["tau": "1"], shares: shares, steps: 5, allReduce: allReduce)
      for outcome in found {
        #expect(outcome == found[0], "replicas are bitwise equal")
        #expect(outcome.model == outcome.parameters)
        #expect(Self.distance(outcome.parameters, expected.parameters) < 1e-6)
      }
    }
  }

  /// The reference, with plain loops: w_i <- w_i - 0.1 (w_i - mean of its samples).
  @Test func blocksAreLocalStepsAndTheWeightedMeanOfTheirEnds() throws {
    let shares = [7, 5, 3], tau = 3, size = Self.size
    let start = try Self.train("local-sgd", shares: [1], steps: 0)[0].parameters
    var expected = Array(repeating: start.map(Double.init), count: shares.count)
    for step in 0..<2 * tau {
      let samples = Samples(15, size: size, seed: UInt64(step))
      var first = 0
      for (rank, count) in shares.enumerated() {
        for tensor in Quadratic(size, tensors: 3).layout.tensors {
          for (place, index) in tensor.range.enumerated() {
            let mean =
              (first..<first + count).reduce(0.0) {
                $0 + Double(samples.values[$1 * size + place])
              } / Double(count)
            expected[rank][index] -= 0.1 * (expected[rank][index] - mean)
          }
        }
        first += count
      }
      guard step % tau == tau - 1 else { continue }
      let mean = start.indices.map { index in
        zip(expected, shares).reduce(0.0) { $0 + $1.0[index] * Double($1.1) } / 15
      }
      expected = Array(repeating: mean, count: shares.count)
    }
    let found = try Self.train("local-sgd", ["tau": "\(tau)"], shares: shares, steps: 2 * tau)
    for outcome in found {
      #expect(outcome == found[0])
      #expect(Self.distance(outcome.parameters, expected[0].map { Float($0) }) < 1e-6)
    }
  }

  @Test func betweenAveragingsTheModelIsTheMeanAndNothingChanges() throws {
    let shares = [4, 3, 1]
    let found = try Self.train("local-sgd", ["tau": "4"], shares: shares, steps: 6)
    #expect(found[0].parameters != found[1].parameters, "each rank goes its own way")
    for index in found[0].model.indices {
      let mean = zip(found, shares).reduce(0.0) {
        $0 + Double($1.0.parameters[index]) * Double($1.1) / 8
      }
      #expect(abs(Double(found[0].model[index]) - mean) < 1e-6)
    }
    #expect(found.allSatisfy { $0.model == found[0].model })
    let watched = try Self.train(
      "local-sgd", ["tau": "4"], shares: shares, steps: 6, looksAtModel: true)
    #expect(watched == found)
  }

  @Test func theOptimizersStateStaysLocal() throws {
    let found = try Self.train(
      "local-sgd", ["tau": "2"], shares: [4, 4], steps: 4, optimizer: Adam())
    #expect(found[0].parameters == found[1].parameters)
    #expect(found[0].state[0] != found[1].state[0] && found[0].state[1] != found[1].state[1])
  }

  /// Weights that add up to 1 only nearly must not shrink or grow parameters that stand still.
  @Test func averagingEqualReplicasChangesNothing() throws {
    let before = try Self.train("local-sgd", shares: [1], steps: 0)[0].parameters
    let after = try LocalWorld.run(ranks: 7) { communicator in
      let worker = try worker(
        Quadratic(Self.size, tensors: 3), SGD(), on: communicator, learningRate: { _ in 0 })
      let strategy = try strategy("local-sgd", ["tau": "1"], worker)
      let samples = Samples(7, size: Self.size, seed: 1), rank = communicator.rank
      for _ in 0..<50 { _ = try strategy.step(samples.batch(rank..<rank + 1, of: 7)) }
      return Array(worker.replica.parameters.values)
    }
    #expect(after.allSatisfy { $0 == before })
  }

  @Test func aRankAloneIsSequential() throws {
    let optimizers: [any Optimizer] = [SGD(momentum: 0.9), Adam()]
    for optimizer in optimizers {
      let expected = try Self.train("sync", shares: [8], steps: 9, optimizer: optimizer)
      #expect(
        try Self.train("local-sgd", ["tau": "4"], shares: [8], steps: 9, optimizer: optimizer)
          == expected)
    }
  }

  @Test(arguments: ["0", "-3", "1.5", "x"]) func lengthsOfBlocksAreChecked(_ tau: String) throws {
    _ = try LocalWorld.run(ranks: 1) { communicator in
      let worker = try worker(Quadratic(5), SGD(), on: communicator)
      #expect(throws: SettingError.self) { try strategy("local-sgd", ["tau": tau], worker) }
    }
  }
}
