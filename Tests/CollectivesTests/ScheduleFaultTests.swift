// What the verifier says, and faults that no damage to a single transfer makes.

import Testing

@testable import Collectives

@Suite struct ScheduleFaultTests {
  @Test func faultsNameThePlace() {
    var whole = WholeSchedules.ring.schedules
    whole[2].rounds[1].remove(at: 1)  // rank 2's second send
    let fault = #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(whole, count: WholeSchedules.count)
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
    var damaged = WholeSchedules.slices.schedules
    for rank in damaged.indices { damaged[rank].rounds.remove(at: round) }
    let fault = #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(damaged, count: WholeSchedules.count)
    }
    #expect(fault?.description.contains(words) == true)
  }

  @Test(arguments: [0, 2]) func missingFenceAroundSums(round: Int) {
    var damaged = WholeSchedules.shared
    for rank in 0..<4 { damaged.schedules[rank].rounds.remove(at: round) }
    expectFaults([damaged])
  }

  @Test func sumsOfTheSameElementsRace() {
    var damaged = WholeSchedules.shared.schedules
    damaged[1].rounds[1] = damaged[0].rounds[1]
    let fault = #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(damaged, count: WholeSchedules.count)
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
      try ScheduleVerifier.verify(
        WholeSchedules.shared.schedules, count: WholeSchedules.count, nodes: [0, 0, 1, 1])
    }
    #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(
        WholeSchedules.slices.schedules, count: WholeSchedules.count, nodes: [0, 0, 1])
    }
  }

  @Test func otherGoals() throws {
    let ranges = (0..<4).map { evenBlock($0, of: 4, count: WholeSchedules.count) }
    let ring = WholeSchedules.ring.schedules
    try ScheduleVerifier.verify(
      ring.map { Schedule(Array($0.rounds.prefix(3))) }, count: WholeSchedules.count,
      goal: .reduceScatter(ranges))
    let gather = ring.map { Schedule(Array($0.rounds.suffix(3))) }
    try ScheduleVerifier.verify(gather, count: WholeSchedules.count, goal: .allGather(ranges))
    #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(gather, count: WholeSchedules.count, goal: .allReduce)
    }
    var uncovered = ranges
    uncovered[2] = 40..<50
    #expect(throws: ScheduleFault.self) {
      try ScheduleVerifier.verify(gather, count: WholeSchedules.count, goal: .allGather(uncovered))
    }
  }
}
