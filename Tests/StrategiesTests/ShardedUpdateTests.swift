import Basics
import Collectives
import Kernels
import Layers
import Messaging
import Optimizers
import Testing

@testable import Strategies

/// Looks at the parameters once more after it has reported its gradients, as layers do that still
/// have to compute the gradient of their input, and takes its time.
private final class LateReader: Objective {
  let layout: ParameterLayout
  let capacity = 1 << 20
  /// Parameters that had changed when it looked.
  var changed = 0
  private let inner: Quadratic
  private let isSlow: Bool

  init(_ inner: Quadratic, isSlow: Bool) {
    (self.inner, self.isSlow, layout) = (inner, isSlow, inner.layout)
  }

  func gradient(
    of batch: Batch, at parameters: FloatsIn, into gradients: FloatsOut,
    observer: (any GradientObserver)?
  ) -> LossSum {
    let before = Array(UnsafeBufferPointer(start: parameters, count: layout.count))
    let sum = inner.gradient(of: batch, at: parameters, into: gradients, observer: observer)
    let clock = ContinuousClock()
    let end = clock.now + (isSlow ? .milliseconds(20) : .zero)
    while clock.now < end { observer?.pause() }
    for index in 0..<layout.count where parameters[index] != before[index] { changed += 1 }
    return sum
  }

  func evaluate(_ batch: Batch, at parameters: FloatsIn) -> LossSum {
    inner.evaluate(batch, at: parameters)
  }
}

@Suite struct ShardedUpdateTests {
  private struct Case: Sendable, CustomTestStringConvertible {
    let ranks, perNode: Int
    var testDescription: String { "\(ranks) ranks, \(perNode) per node" }
  }

  private static let cases: [Case] = [
    (1, 1), (2, 1), (2, 2), (3, 1), (3, 3), (4, 2), (5, 2), (5, 5), (6, 1), (7, 2), (8, 4),
  ].map { Case(ranks: $0.0, perNode: $0.1) }

  /// Every optimizer with its defaults, and forms that keep more or less state.
  private static let optimizers: [(String, [String: String])] =
    optimizerCatalog.names.map { ($0, [:]) } + [
      ("sgd", ["momentum": "0.9", "nesterov": "true", "weight_decay": "0.1"]),
      ("adam", ["weight_decay": "0.1"]),
    ]

  /// Parameters of every rank, and the state as one rank alone would have it, after three steps.
  private static func train(
    _ place: Case, _ optimizer: any Optimizer, _ allReduce: String, _ update: UpdatePlacement,
    wire: WireFormat = .float32, size: Int, clip: GradientClip?
  ) throws -> (parameters: [[UInt32]], state: [[UInt32]]) {
    let results = try LocalWorld.run(
      ranks: place.ranks, ranksPerNode: place.perNode, timeout: .seconds(30)
    ) { communicator in
      let worker = try worker(
        Quadratic(size, tensors: 3), optimizer, on: communicator, allReduce: allReduce, wire: wire,
        clip: clip, bucketBytes: 300, update: update)
      let strategy = try SynchronousSGD(worker, Settings(of: "sync", declared: []))
      let (rank, ranks) = (communicator.rank, communicator.size)
      for step in 0..<3 {
        let samples = Samples(11, size: size, seed: UInt64(step))
        let report = try strategy.step(
          samples.batch(11 * rank / ranks..<11 * (rank + 1) / ranks, of: 11))
        #expect(report.correct == 11)
      }
      return (
        worker.replica.parameters.values.map(\.bitPattern),
        worker.replica.optimizerState.map { state in
          (state.range, state.slots.map { $0.values.map(\.bitPattern) })
        }
      )
    }
    var whole = optimizer.slots.map { _ in [UInt32](repeating: 7, count: results[0].0.count) }
    for (_, states) in update == .sharded ? results : [results[0]] {
      for (range, slots) in states {
        for slot in slots.indices { whole[slot].replaceSubrange(range, with: slots[slot]) }
      }
    }
    return (results.map(\.0), whole)
  }

  @Test(arguments: allReduceCatalog.names, cases)
  private func everyBitIsThatOfTheReplicatedUpdate(_ allReduce: String, _ place: Case) throws {
    let nodes = Topology(nodes: (0..<place.ranks).map { $0 / place.perNode })
    guard try allReduceCatalog.find(allReduce).objection(to: nodes) == nil else { return }
    for (name, settings) in Self.optimizers {
      let optimizer = try optimizerCatalog.make(name, settings)
      for (size, clip) in [(19, nil), (150, nil), (150, GradientClip(limit: 0.05))]
      where clip == nil || name == "adam" {
        let wanted = try Self.train(
          place, optimizer, allReduce, .replicated, size: size, clip: clip)
        let found = try Self.train(place, optimizer, allReduce, .sharded, size: size, clip: clip)
        let what = "\(name) \(settings), \(size) a tensor, clip \(clip?.limit ?? 0)"
        for (rank, (one, other)) in zip(found.parameters, wanted.parameters).enumerated() {
          let isEqual = one == other
          #expect(isEqual, "parameters of rank \(rank): \(what)")
        }
        let isStateEqual = found.state == wanted.state
        #expect(isStateEqual, "\(what)")
      }
    }
  }

  /// Rounded on their way, owners' sums are those that all have.
  @Test(arguments: allReduceCatalog.names, [WireFormat.bfloat16, .float16])
  func everyBitIsTheSameInAnyWireFormat(_ allReduce: String, _ wire: WireFormat) throws {
    for (ranks, perNode) in [(2, 1), (3, 3), (5, 1), (4, 2), (8, 4)] {
      let nodes = Topology(nodes: (0..<ranks).map { $0 / perNode })
      guard try allReduceCatalog.find(allReduce).objection(to: nodes) == nil else { continue }
      let place = Case(ranks: ranks, perNode: perNode)
      let wanted = try Self.train(
        place, Adam(), allReduce, .replicated, wire: wire, size: 150, clip: nil)
      let found = try Self.train(
        place, Adam(), allReduce, .sharded, wire: wire, size: 150, clip: nil)
      let areEqual = found == wanted
      #expect(areEqual, "\(place.testDescription)")
    }
  }

  /// In memory that all have in common nobody may write while somebody is still reading.
  @Test(arguments: allReduceCatalog.names, 2...4)
  func nobodyWritesBeforeAllHaveRead(_ allReduce: String, ranks: Int) throws {
    let changed = try LocalWorld.run(ranks: ranks, timeout: .seconds(30)) { communicator in
      let rank = communicator.rank
      let objective = LateReader(Quadratic(40, tensors: 3), isSlow: rank == ranks - 1)
      let worker = try worker(
        objective, SGD(), on: communicator, allReduce: allReduce, update: .sharded)
      #expect(worker.replica.sharesParameters)
      let strategy = try SynchronousSGD(worker, Settings(of: "sync", declared: []))
      for step in 0..<3 {
        let samples = Samples(ranks, size: 40, seed: UInt64(step))
        _ = try strategy.step(samples.batch(rank..<rank + 1, of: ranks))
      }
      return objective.changed
    }
    #expect(changed == Array(repeating: 0, count: ranks))
  }

  /// What the optimizer allocates is the n-th part of the whole, up to a cache line at each end of
  /// a bucket's block.
  @Test(arguments: allReduceCatalog.names, 1...8)
  func stateIsDividedAmongTheRanks(_ allReduce: String, ranks: Int) throws {
    let layout = Quadratic(5000, tensors: 4).layout
    let floats = try LocalWorld.run(ranks: ranks, timeout: .seconds(30)) { communicator in
      let worker = try worker(
        Quadratic(5000, tensors: 4), Adam(), on: communicator, allReduce: allReduce,
        bucketBytes: 20_000, update: .sharded)
      #expect(worker.plan.buckets.ranges.count == 4)
      return worker.replica.optimizerState.map { state in
        #expect(state.slots.allSatisfy { $0.count == state.range.count })
        return state.slots.reduce(0) { $0 + $1.count }
      }.reduce(0, +)
    }
    #expect(floats.reduce(0, +) == 2 * layout.count)
    for count in floats { #expect(abs(count - 2 * layout.count / ranks) <= 2 * 4 * 2 * 16) }
  }

  @Test func ownersAndTallyAreAPartitionOfTheBuffer() throws {
    let layout = Quadratic(77, tensors: 5).layout
    for ranks in 1...8 {
      for bytes in [1, 700, 1 << 20] {
        let plan = GradientPlan(
          layout: layout, topology: .scattered(ranks), allReduce: RingAllReduce(),
          bucketBytes: bytes, update: .sharded)
        var owners = [Int](repeating: 0, count: layout.count)
        for rank in 0..<ranks {
          for range in plan.updated(by: rank) { for index in range { owners[index] += 1 } }
        }
        #expect(owners == Array(repeating: 1, count: layout.count))
      }
    }
  }
}
