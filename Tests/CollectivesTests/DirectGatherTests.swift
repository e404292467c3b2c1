import Testing

@testable import Collectives

@Suite struct DirectGatherTests {
  @Test(arguments: 1...16, [0, 1, 5, 1000])
  func allRanksHoldAllBlocks(ranks: Int, count: Int) throws {
    let blocks = (0..<ranks).map { evenBlock($0, of: ranks, count: count) }
    try ScheduleVerifier.verify(
      (0..<ranks).map { DirectGather.schedule(rank: $0, blocks: blocks) }, count: count,
      goal: .allGather(blocks))
  }

  @Test func oneOwnerTellsAll() throws {
    let blocks = [0..<0, 0..<7, 7..<7]
    let schedules = (0..<3).map { DirectGather.schedule(rank: $0, blocks: blocks) }
    #expect(schedules.map(\.messageCount) == [0, 2, 0])
    try ScheduleVerifier.verify(schedules, count: 7, goal: .allGather(blocks))
  }
}
