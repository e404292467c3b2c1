import Basics
import Collectives
import Kernels
import Messaging
import Optimizers
import Testing

@testable import Strategies

@Suite struct LaneTests {
  private struct Outcome: Equatable {
    var parameters: [[UInt32]] = []  // (rank, value)
    var state: [[UInt32]] = []  // (slot, value)
    var reports: [StepReport] = []
  }

  /// Three steps on 13 samples; the one before the last is a short one, with fewer samples than
  /// lanes.
  private static func train(
    lanes: Int, ranks: Int, perNode: Int, _ optimizer: any Optimizer, _ update: UpdatePlacement,
    clip: GradientClip? = nil, bucketBytes: Int = 300, stopper: Int = 0
  ) throws -> Outcome {
    let size = 21
    let results = try LocalWorld.run(
      ranks: ranks, ranksPerNode: perNode, timeout: .seconds(30)
    ) { communicator in
      let rank = communicator.rank
      let worker = try worker(
        Quadratic(size, tensors: 3), optimizer, on: communicator, clip: clip,
        bucketBytes: bucketBytes, update: update, lanes: lanes
      ) { lane, batch in
        let (first, last) = (
          batch.globalCount * lane / lanes, batch.globalCount * (lane + 1) / lanes
        )
        return batch.part(
          first - batch.offset..<last - batch.offset, bytesPerSample: size * 4, targetsPerSample: 0)
      }
      let strategy = try SynchronousSGD(worker, Settings(of: "sync", declared: []))
      let mine = LaneSum.lanes(of: rank, ranks: ranks, lanes: lanes)
      let reports = try [13, 2, 13].enumerated().map { step, count in
        let samples = Samples(count, size: size, seed: UInt64(step))
        worker.wantsToStop = step == 1 && rank == stopper
        return try strategy.step(
          samples.batch(
            count * mine.lowerBound / lanes..<count * mine.upperBound / lanes, of: count))
      }
      return (
        worker.replica.parameters.values.map(\.bitPattern),
        worker.replica.optimizerState.map { state in
          (state.range, state.slots.map { $0.values.map(\.bitPattern) })
        }, reports
      )
    }
    var outcome = Outcome()
    outcome.parameters = results.map(\.0)
    outcome.state = optimizer.slots.map { _ in
      [UInt32](repeating: 7, count: results[0].0.count)
    }
    for (_, states, _) in update == .sharded ? results : [results[0]] {
      for (range, slots) in states {
        for slot in slots.indices { outcome.state[slot].replaceSubrange(range, with: slots[slot]) }
      }
    }
    outcome.reports = results[0].2
    for (_, _, reports) in results { #expect(reports == outcome.reports) }
    return outcome
  }

  @Test(arguments: [1, 3, 5, 8], [nil, GradientClip(limit: 0.05)])
  func everyBitIsTheSameOnAnyRanks(_ lanes: Int, _ clip: GradientClip?) throws {
    for optimizer in [SGD(momentum: 0.9), Adam()] as [any Optimizer] {
      let expected = try Self.train(
        lanes: lanes, ranks: 1, perNode: 1, optimizer, .replicated, clip: clip)
      for ranks in 1...lanes {
        for (perNode, update) in [
          (1, UpdatePlacement.replicated), (1, .sharded), (2, .sharded), (ranks, .replicated),
          (ranks, .sharded),
        ] where perNode <= ranks {
          var found = try Self.train(
            lanes: lanes, ranks: ranks, perNode: perNode, optimizer, update, clip: clip,
            bucketBytes: ranks % 2 == 0 ? 80 : 1 << 20)
          #expect(Set(found.parameters).count == 1, "replicas stay bitwise equal")
          found.parameters = [found.parameters[0]]
          let isEqual = found == expected
          #expect(isEqual, "\(ranks) ranks, \(perNode) per node, \(update)")
        }
      }
    }
  }

  /// As far as rounding goes, lanes change nothing.
  @Test func theSumIsThatOfAllSamples() throws {
    let one = try Self.train(lanes: 1, ranks: 1, perNode: 1, SGD(), .replicated)
    let eight = try Self.train(lanes: 8, ranks: 3, perNode: 2, SGD(), .sharded)
    #expect(one.parameters[0] != eight.parameters[0], "another order of addition")
    for (found, wanted) in zip(eight.parameters[0], one.parameters[0]) {
      #expect(abs(Float(bitPattern: found) - Float(bitPattern: wanted)) < 1e-6)
    }
    #expect(eight.reports.map(\.correct) == [13, 2, 13])
    #expect(eight.reports.map(\.samples) == [13, 2, 13])
  }

  /// Not one vote per lane.
  @Test(arguments: 1...4) func aVoteCountsOnce(ranks: Int) throws {
    for stopper in 0..<ranks {
      let outcome = try Self.train(
        lanes: 6, ranks: ranks, perNode: ranks, SGD(), .replicated, stopper: stopper)
      #expect(outcome.reports.map(\.stopVotes) == [0, 1, 0])
    }
  }
}
