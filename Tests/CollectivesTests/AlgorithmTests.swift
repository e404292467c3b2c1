// What each algorithm promises beyond the sum: its rounds, messages and elements, and who does what.

import Kernels
import Messaging
import Testing

@testable import Collectives

@Suite struct AlgorithmTests {
  private func schedules(_ algorithm: any AllReduceAlgorithm, _ ranks: Int, _ count: Int)
    -> [Schedule]
  {
    (0..<ranks).map { algorithm.schedule(rank: $0, ranks: ranks, count: count) }
  }

  @Test(arguments: [2, 3, 8, 13])
  func ringsAreOptimal(ranks: Int) {
    let count = 1600 * ranks
    for schedule in schedules(RingAllReduce(), ranks, count) {
      #expect(schedule.rounds.count == 2 * (ranks - 1))
      #expect(schedule.messageCount == 2 * (ranks - 1))
      #expect(schedule.elementsSent == 2 * count * (ranks - 1) / ranks)
    }
    let segmented = SegmentedRingAllReduce(segmentBytes: 1600)  // 4 in a block of 1600 floats
    for schedule in schedules(segmented, ranks, count) {
      #expect(schedule.rounds.count == 2 * (ranks - 1) * 4)
      #expect(schedule.elementsSent == 2 * count * (ranks - 1) / ranks)
    }
  }

  /// What a round of the segmented ring sends has not come in the round before.
  @Test func segmentsOverlap() {
    for schedule in schedules(SegmentedRingAllReduce(segmentBytes: 1600), 5, 8000) {
      for (round, next) in zip(schedule.rounds, schedule.rounds.dropFirst()) {
        for case .receive(let range, _, _) in round {
          for case .send(let sent, _) in next { #expect(!range.overlaps(sent)) }
        }
      }
    }
  }

  @Test func segmentedRingHasTheBitsOfTheRing() throws {
    let same = try LocalWorld.run(ranks: 5, timeout: .seconds(20)) { communicator in
      let group = try RankGroup(communicator)
      let algorithms: [any AllReduceAlgorithm] = [
        RingAllReduce(), SegmentedRingAllReduce(segmentBytes: 128),
      ]
      var bits: [[UInt32]] = []
      for algorithm in algorithms {
        let vector = try group.vector(count: 777)
        for index in 0..<777 {
          vector.buffer[index] = 1 / Float(3 + 7 * communicator.rank + index)
        }
        let schedule = algorithm.schedule(
          rank: communicator.rank, topology: group.topology, count: 777)
        try group.runner(schedule, on: vector, tag: 1, kernels: KernelSelection.best)
          .run(on: vector.buffer.values)
        bits.append((0..<777).map { vector.buffer[$0].bitPattern })
      }
      return bits[0] == bits[1]
    }
    #expect(same == Array(repeating: true, count: 5))
  }

  @Test(arguments: [(2, 1), (4, 2), (8, 3), (64, 6), (1024, 10)])
  func powersOfTwo(ranks: Int, log2: Int) {
    let count = 16 * ranks
    for rank in [0, ranks / 2, ranks - 1] {
      let doubling = RecursiveDoublingAllReduce().schedule(rank: rank, ranks: ranks, count: count)
      #expect(doubling.rounds.count == log2 && doubling.elementsSent == log2 * count)
      let halving = HalvingDoublingAllReduce().schedule(rank: rank, ranks: ranks, count: count)
      #expect(halving.rounds.count == 2 * log2 && halving.messageCount == 2 * log2)
      #expect(halving.elementsSent == 2 * count * (ranks - 1) / ranks)
    }
  }

  @Test(arguments: 1...200)
  func folding(ranks: Int) {
    let folding = Folding(ranks: ranks)
    #expect(folding.groups <= ranks && 2 * folding.groups > ranks)
    var next = 0
    for group in 0..<folding.groups {
      #expect(folding.leader(of: group) == next)
      #expect(folding.group(of: next) == group)
      next += 1
      guard let second = folding.second(of: group) else { continue }
      #expect(second == next && folding.group(of: second) == group)
      next += 1
    }
    #expect(next == ranks)
  }

  /// Nobody adds up both halves: the two trees share the work.
  @Test(arguments: 2...130)
  func innerNodesOfOneTreeAreLeavesOfTheOther(ranks: Int) {
    let count = 64
    var most = 0
    for schedule in schedules(DoubleTreeAllReduce(), ranks, count) {
      var halves: Set<Int> = []
      for case .receive(let range, _, .add) in schedule.rounds.joined() {
        halves.insert(range.lowerBound)
      }
      #expect(halves.count <= 1)
      most = max(most, schedule.elementsSent)
    }
    #expect(most <= 2 * count)
  }

  @Test(arguments: [(2, 1), (5, 2), (8, 3), (100, 6)])
  func doubleTreeRounds(ranks: Int, height: Int) {
    let algorithm = DoubleTreeAllReduce(segmentBytes: 64)  // 10 segments in a half of 160 floats
    let rounds = schedules(algorithm, ranks, 320).map(\.rounds.count)
    #expect(rounds.max() ?? 0 <= 10 + 2 * height - 1)
    #expect(rounds.max() ?? 0 >= 10)
  }

  @Test func hierarchyDegrades() {
    let algorithm = HierarchicalAllReduce(between: HalvingDoublingAllReduce())
    for rank in 0..<6 {
      #expect(
        algorithm.schedule(rank: rank, topology: .scattered(6), count: 100)
          == HalvingDoublingAllReduce().schedule(rank: rank, ranks: 6, count: 100))
      #expect(
        algorithm.schedule(rank: rank, topology: .oneNode(6), count: 100)
          == SharedMemoryAllReduce().schedule(rank: rank, topology: .oneNode(6), count: 100))
    }
  }

  /// Between nodes each element travels as for one rank per node, spread over the ranks.
  @Test func hierarchySpreadsTheMessages() {
    let topology = Topology(nodes: (0..<12).map { $0 / 3 })
    let algorithm = HierarchicalAllReduce(between: RingAllReduce())
    let sent = (0..<12).map {
      algorithm.schedule(rank: $0, topology: topology, count: 1920).elementsSent
    }
    #expect(sent == Array(repeating: 2 * 1920 / 3 * 3 / 4, count: 12))
  }

  @Test func hierarchyRefusesTheLibraryBetweenNodes() {
    let algorithm = HierarchicalAllReduce(between: NativeAllReduce())
    #expect(algorithm.objection(to: Topology(nodes: [0, 0, 1, 1])) != nil)
    #expect(algorithm.objection(to: .oneNode(4)) == nil)
  }

  /// Advancing leaves a blocking call to `finish`, and nothing else.
  @Test func blockingCallsWaitForFinish() throws {
    let sums = try LocalWorld.run(ranks: 3, timeout: .seconds(20)) { communicator in
      let group = try RankGroup(communicator)
      let vector = try group.vector(count: 5)
      let algorithm = NativeAllReduce()
      let schedule = algorithm.schedule(
        rank: communicator.rank, topology: group.topology, count: 5)
      let runner = group.runner(schedule, on: vector, tag: 0, kernels: KernelSelection.best)
      for index in 0..<5 { vector.buffer[index] = 1 }
      try runner.start(on: vector.buffer.values)
      var hasAdvanced = false
      for _ in 0..<10 where try runner.advance() { hasAdvanced = true }
      try runner.finish()
      return hasAdvanced ? -1 : vector.buffer[4]
    }
    #expect(sums == [3, 3, 3])
    #expect(NativeAllReduce().schedule(rank: 0, ranks: 2, count: 1).waitsForFinish)
    #expect(!NativeAllReduce(blocking: false).schedule(rank: 0, ranks: 2, count: 1).waitsForFinish)
  }
}
