// The verifier is only worth something if it notices: each way of damaging a right schedule, at
// every place.

import Testing

@testable import Collectives

private func schedules(_ algorithm: any AllReduceAlgorithm, ranks: Int, count: Int) -> [Schedule] {
  (0..<ranks).map { algorithm.schedule(rank: $0, topology: .oneNode(ranks), count: count) }
}

/// Every schedule that `damage` makes of one rank's, one place at a time; nil leaves a place alone.
private func damaged(
  _ whole: [Schedule], _ damage: (Transfer, Int) -> [Transfer]?
) -> [[Schedule]] {
  var result: [[Schedule]] = []
  for rank in whole.indices {
    for (number, round) in whole[rank].rounds.enumerated() {
      for (place, transfer) in round.enumerated() {
        guard let replacement = damage(transfer, rank) else { continue }
        var copy = whole
        copy[rank].rounds[number].replaceSubrange(place...place, with: replacement)
        result.append(copy)
      }
    }
  }
  return result
}

@Suite struct DamagedScheduleTests {
  static let count = 100
  static let wholes: [[Schedule]] = [
    schedules(RingAllReduce(), ranks: 4, count: count),
    schedules(TreeAllReduce(), ranks: 5, count: count),
    schedules(NativeAllReduce(), ranks: 3, count: count),
    schedules(SliceAllReduce(), ranks: 3, count: count),
    schedules(SharedMemoryAllReduce(), ranks: 4, count: count),
  ]

  private func expectFaults(
    _ cases: [[Schedule]], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(!cases.isEmpty, sourceLocation: sourceLocation)
    for schedules in cases {
      #expect(throws: ScheduleFault.self, sourceLocation: sourceLocation) {
        try ScheduleVerifier.verify(schedules, count: Self.count)
      }
    }
  }

  @Test func wholeSchedulesPass() throws {
    for whole in Self.wholes { try ScheduleVerifier.verify(whole, count: Self.count) }
  }

  @Test(arguments: wholes) func droppedTransfers(whole: [Schedule]) {
    expectFaults(damaged(whole) { transfer, _ in [] })
  }

  @Test(arguments: wholes) func doubledTransfers(whole: [Schedule]) {
    expectFaults(damaged(whole) { transfer, _ in [transfer, transfer] })
  }

  @Test(arguments: wholes.prefix(2)) func misaddressedTransfers(whole: [Schedule]) {
    expectFaults(
      damaged(whole) { transfer, rank in
        switch transfer {
        case .send(let range, let to): [.send(range, to: (to + 1) % whole.count)]
        case .receive(let range, let from, let arrival):
          [.receive(range, from: (from + 1) % whole.count, arrival)]
        default: nil
        }
      })
  }

  @Test(arguments: [0, 1, 3]) func addAndCopyExchanged(number: Int) {
    expectFaults(
      damaged(Self.wholes[number]) { transfer, _ in
        switch transfer {
        case .receive(let range, let from, let arrival):
          [.receive(range, from: from, arrival == .add ? .copy : .add)]
        case .load(let range, let from, let arrival):
          [.load(range, from: from, arrival == .add ? .copy : .add)]
        default: nil
        }
      })
  }

  @Test(arguments: wholes) func shortenedRanges(whole: [Schedule]) {
    func short(_ range: Range<Int>) -> Range<Int> { range.lowerBound..<range.upperBound - 1 }
    expectFaults(
      damaged(whole) { transfer, _ in
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

  @Test func reorderedRounds() {
    let whole = Self.wholes[0]
    var cases: [[Schedule]] = []
    for rank in whole.indices {
      for round in whole[rank].rounds.indices.dropLast() {
        var copy = whole
        copy[rank].rounds.swapAt(round, round + 1)
        cases.append(copy)
      }
    }
    expectFaults(cases)
  }

  @Test func faultsNameThePlace() {
    var whole = Self.wholes[0]
    whole[2].rounds[1].remove(at: 1)  // rank 2's second send
    let fault = #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(whole, count: Self.count)
    }
    #expect(fault?.rank == 3)
    #expect(fault?.description.contains("where rank 2 sends") == true)

    let range = 0..<4
    // Both send before they receive: only buffering would help.
    let crossed = [
      Schedule([[.send(range, to: 1)], [.receive(range, from: 1, .add)]]),
      Schedule([[.send(range, to: 0)], [.receive(range, from: 0, .add)]]),
    ]
    let deadlock = #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(crossed, count: 4)
    }
    #expect(
      deadlock?.description == "rank 0, round 0, transfer 0: deadlock: waits for rank 1 to reach "
        + "its round 1, which is stuck in round 0")
  }

  @Test func exchangeOfWholeVectorsIsAllowed() throws {
    let range = 0..<4
    try ScheduleVerifier.verify(
      (0..<2).map { Schedule([[.send(range, to: 1 - $0), .receive(range, from: 1 - $0, .add)]]) },
      count: 4)
  }

  @Test func arrivalsThatOverwriteEachOther() {
    let range = 0..<4
    let fault = #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(
        [
          Schedule([[.receive(range, from: 1, .add), .receive(range, from: 2, .copy)]]),
          Schedule([[.send(range, to: 0)]]), Schedule([[.send(range, to: 0)]]),
        ], count: 4)
    }
    #expect(fault?.description.contains("conflicts with transfer 0") == true)
  }

  @Test(arguments: [
    (0, "before the first fence"), (2, "no fence lies between"), (4, "after the last fence"),
  ])
  func missingFence(round: Int, words: String) {
    var damaged = Self.wholes[3]
    for rank in damaged.indices { damaged[rank].rounds.remove(at: round) }
    let fault = #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(damaged, count: Self.count)
    }
    #expect(fault?.description.contains(words) == true)
  }

  @Test(arguments: [0, 2]) func missingFenceAroundSums(round: Int) {
    var damaged = Self.wholes[4]
    for rank in damaged.indices { damaged[rank].rounds.remove(at: round) }
    expectFaults([damaged])
  }

  @Test func sumsOfOrIntoTheWrongRanks() {
    expectFaults(
      damaged(Self.wholes[4]) { transfer, rank in
        guard case .sum(let range, let over, let into) = transfer else { return nil }
        return [.sum(range, over: Array(over.dropLast()), into: into)]
      })
    expectFaults(
      damaged(Self.wholes[4]) { transfer, rank in
        guard case .sum(let range, let over, let into) = transfer else { return nil }
        return [.sum(range, over: over, into: Array(into.dropFirst()))]
      })
    expectFaults(
      damaged(Self.wholes[4]) { transfer, rank in
        guard case .sum(let range, let over, let into) = transfer else { return nil }
        return [.sum(range, over: over + [over[0]], into: into)]
      })
  }

  @Test func sumsOfTheSameElementsRace() {
    var damaged = Self.wholes[4]
    damaged[1].rounds[1] = damaged[0].rounds[1]
    let fault = #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(damaged, count: Self.count)
    }
    #expect(fault?.description.contains("no fence lies between") == true)
  }

  /// Lanes 0 and 1 on rank 0, lane 2 on rank 1: (0 + 1) + 2, slots of 10 elements of which 4 count.
  private static let lanes: [Schedule] = [
    Schedule([
      [.add(12..<16, to: 2)], [.receive(22..<26, from: 1, .copy)], [.add(22..<26, to: 2)],
      [.send(2..<6, to: 1)],
    ]),
    Schedule([[.send(22..<26, to: 0)], [.receive(2..<6, from: 0, .copy)]]),
  ]

  private func verifyLanes(_ schedules: [Schedule]) throws {
    try ScheduleVerifier.verify(
      schedules, count: 30, nodes: [0, 1],
      goal: .laneSum(owners: [0, 0, 1], stride: 10, range: 2..<6, parts: [2..<6, 2..<6]))
  }

  @Test func laneSums() throws {
    try verifyLanes(Self.lanes)
    for round in 0..<4 {
      var cut = Self.lanes
      cut[0].rounds.remove(at: round)
      #expect(throws: ScheduleFault.self) { try verifyLanes(cut) }
    }
    var early = Self.lanes  // adds lane 2 before it is there
    early[0].rounds.swapAt(1, 2)
    let fault = #expect(throws: ScheduleFault.self) { try verifyLanes(early) }
    #expect(fault?.description.contains("hold nothing yet") == true)
    var twice = Self.lanes
    twice[0].rounds.insert(twice[0].rounds[0], at: 1)
    #expect(throws: ScheduleFault.self) { try verifyLanes(twice) }
    var shifted = Self.lanes
    shifted[0].rounds[0] = [.add(12..<16, to: 3)]
    #expect(throws: ScheduleFault.self) { try verifyLanes(shifted) }
  }

  /// A send may round its values while another rank loads them.
  @Test func loadsOfWhatIsSent() {
    let range = 0..<4
    let tail: [[Transfer]] = [[.fence]]
    let fault = #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(
        [
          Schedule([[.fence], [.send(range, to: 2)]] + tail),
          Schedule([[.fence], [.load(range, from: 0, .add)]] + tail),
          Schedule([[.fence], [.receive(range, from: 0, .add)]] + tail),
        ], count: 4)
    }
    #expect(fault?.description.contains("no fence lies between") == true)
  }

  @Test func fencesAndLoadsStayWithinNodes() throws {
    #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(Self.wholes[4], count: Self.count, nodes: [0, 0, 1, 1])
    }
    #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(Self.wholes[3], count: Self.count, nodes: [0, 0, 1])
    }
  }

  @Test func otherGoals() throws {
    let ranges = (0..<4).map { evenBlock($0, of: 4, count: Self.count) }
    let ring = Self.wholes[0]
    try ScheduleVerifier.verify(
      ring.map { Schedule(Array($0.rounds.prefix(3))) }, count: Self.count,
      goal: .reduceScatter(ranges))
    let gather = ring.map { Schedule(Array($0.rounds.suffix(3))) }
    try ScheduleVerifier.verify(gather, count: Self.count, goal: .allGather(ranges))
    #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(gather, count: Self.count, goal: .allReduce)
    }
    var uncovered = ranges
    uncovered[2] = 40..<50
    #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(gather, count: Self.count, goal: .allGather(uncovered))
    }
  }
}
