// The verifier is only worth something if it notices: each way of damaging a right schedule, at
// every place.

import Testing

@testable import Collectives

/// Right schedules of all ranks, and their nodes; nil: one node.
struct WholeSchedules: Sendable, CustomTestStringConvertible {
  let testDescription: String
  var schedules: [Schedule]
  var nodes: [Int]?

  init(_ algorithm: any AllReduceAlgorithm, ranks: Int, nodes: [Int]? = nil) {
    let topology = nodes.map { Topology(nodes: $0) } ?? .oneNode(ranks)
    testDescription = algorithm.name
    schedules = (0..<ranks).map {
      algorithm.schedule(rank: $0, topology: topology, count: Self.count)
    }
    self.nodes = nodes
  }

  func verify() throws {
    try ScheduleVerifier.verify(schedules, count: Self.count, nodes: nodes)
  }

  static let count = 100
  static let ring = WholeSchedules(RingAllReduce(), ranks: 4)
  static let tree = WholeSchedules(TreeAllReduce(), ranks: 5)
  static let slices = WholeSchedules(SliceAllReduce(), ranks: 3)
  static let shared = WholeSchedules(SharedMemoryAllReduce(), ranks: 4)
  /// Rounds in an order that matters.
  static let exchanges = [
    ring, WholeSchedules(SegmentedRingAllReduce(segmentBytes: 48), ranks: 4),
    WholeSchedules(HalvingDoublingAllReduce(), ranks: 6),
    WholeSchedules(RecursiveDoublingAllReduce(), ranks: 6),
    WholeSchedules(DoubleTreeAllReduce(segmentBytes: 64), ranks: 5),
    WholeSchedules(
      HierarchicalAllReduce(between: RingAllReduce()), ranks: 6, nodes: [0, 0, 1, 1, 2, 2]),
    WholeSchedules(
      HierarchicalAllReduce(between: HalvingDoublingAllReduce()), ranks: 9,
      nodes: [0, 0, 0, 1, 1, 2, 2, 3, 3]),
  ]
  /// Messages that are right in one place alone.
  static let messages = exchanges + [tree]
  static let all =
    messages + [
      slices, shared, WholeSchedules(NativeAllReduce(), ranks: 3),
      WholeSchedules(NativeAllReduce(blocking: false), ranks: 3),
    ]

  /// Every schedule that `damage` makes of one rank's, one place at a time; nil leaves a place
  /// alone.
  func damaged(_ damage: (Transfer, Int) -> [Transfer]?) -> [WholeSchedules] {
    var result: [WholeSchedules] = []
    for rank in schedules.indices {
      for (number, round) in schedules[rank].rounds.enumerated() {
        for (place, transfer) in round.enumerated() {
          guard let replacement = damage(transfer, rank) else { continue }
          var copy = self
          copy.schedules[rank].rounds[number].replaceSubrange(place...place, with: replacement)
          result.append(copy)
        }
      }
    }
    return result
  }
}

/// None of the cases passes the verifier.
func expectFaults(_ cases: [WholeSchedules], sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(!cases.isEmpty, sourceLocation: sourceLocation)
  for damaged in cases {
    #expect(throws: ScheduleFault.self, sourceLocation: sourceLocation) { try damaged.verify() }
  }
}

@Suite struct DamagedScheduleTests {
  @Test(arguments: WholeSchedules.all) func wholeSchedulesPass(whole: WholeSchedules) throws {
    try whole.verify()
  }

  @Test(arguments: WholeSchedules.all) func droppedTransfers(whole: WholeSchedules) {
    expectFaults(whole.damaged { _, _ in [] })
  }

  @Test(arguments: WholeSchedules.all) func doubledTransfers(whole: WholeSchedules) {
    expectFaults(whole.damaged { transfer, _ in [transfer, transfer] })
  }

  @Test(arguments: WholeSchedules.messages) func misaddressedTransfers(whole: WholeSchedules) {
    let ranks = whole.schedules.count
    expectFaults(
      whole.damaged { transfer, rank in
        switch transfer {
        case .send(let range, let to): [.send(range, to: (to + 1) % ranks)]
        case .receive(let range, let from, let arrival):
          [.receive(range, from: (from + 1) % ranks, arrival)]
        case .load(let range, let from, let arrival):
          [.load(range, from: (from + 1) % ranks, arrival)]
        case .sum, .add, .fence, .library: nil
        }
      })
  }

  @Test(arguments: WholeSchedules.messages + [.slices])
  func addAndCopyExchanged(whole: WholeSchedules) {
    expectFaults(
      whole.damaged { transfer, _ in
        switch transfer {
        case .receive(let range, let from, let arrival):
          [.receive(range, from: from, arrival == .add ? .copy : .add)]
        case .load(let range, let from, let arrival):
          [.load(range, from: from, arrival == .add ? .copy : .add)]
        default: nil
        }
      })
  }

  @Test(arguments: WholeSchedules.all) func shortenedRanges(whole: WholeSchedules) {
    func short(_ range: Range<Int>) -> Range<Int> { range.lowerBound..<range.upperBound - 1 }
    expectFaults(
      whole.damaged { transfer, _ in
        switch transfer {
        case .send(let range, let to): [.send(short(range), to: to)]
        case .receive(let range, let from, let arrival):
          [.receive(short(range), from: from, arrival)]
        case .load(let range, let from, let arrival): [.load(short(range), from: from, arrival)]
        case .sum(let range, let over, let into): [.sum(short(range), over: over, into: into)]
        case .add(let range, let to): [.add(short(range), to: to)]
        case .library(let range, let blocking): [.library(short(range), blocking: blocking)]
        case .fence: nil
        }
      })
  }

  @Test(arguments: WholeSchedules.exchanges + [.slices, .shared])
  func reorderedRounds(whole: WholeSchedules) {
    var cases: [WholeSchedules] = []
    for rank in whole.schedules.indices {
      for round in whole.schedules[rank].rounds.indices.dropLast() {
        var copy = whole
        copy.schedules[rank].rounds.swapAt(round, round + 1)
        if copy.schedules[rank] != whole.schedules[rank] { cases.append(copy) }
      }
    }
    expectFaults(cases)
  }

  @Test func sumsOfOrIntoTheWrongRanks() {
    for whole in [WholeSchedules.shared, WholeSchedules.exchanges[5]] {
      expectFaults(
        whole.damaged { transfer, rank in
          guard case .sum(let range, let over, let into) = transfer else { return nil }
          return [.sum(range, over: Array(over.dropLast()), into: into)]
        })
      expectFaults(
        whole.damaged { transfer, rank in
          guard case .sum(let range, let over, let into) = transfer else { return nil }
          return [.sum(range, over: over, into: Array(into.dropFirst()))]
        })
      expectFaults(
        whole.damaged { transfer, rank in
          guard case .sum(let range, let over, let into) = transfer else { return nil }
          return [.sum(range, over: over + [over[0]], into: into)]
        })
    }
  }

  @Test func libraryCallsOfTwoKinds() {
    expectFaults(
      WholeSchedules(NativeAllReduce(), ranks: 3).damaged { transfer, rank in
        guard case .library(let range, _) = transfer else { return nil }
        return [.library(range, blocking: false)]
      })
  }
}
