import Testing

@testable import Messaging

@Suite struct LocalWorldTests {
  @Test func ranksKnowTheirPlaces() throws {
    let places = try LocalWorld.run(ranks: 5) { "\($0.rank) of \($0.size) on \($0.hostName)" }
    #expect(places == (0..<5).map { "\($0) of 5 on node0" })
  }
}
