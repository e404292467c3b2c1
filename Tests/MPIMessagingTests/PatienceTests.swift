// When a wait offers its core, and whose word it takes for cores being shared.

import Testing

@testable import MPIMessaging

@Suite struct PatienceTests {
  @Test func crowdedRanksOfferTheirCoreSoon() {
    var patience = Patience(isCrowded: true)
    let offers = (1...6).map { _ in patience.pause() }
    #expect(offers == [false, false, false, true, true, true])
  }

  @Test func ranksWithCoresOfTheirOwnLookForLong() {
    var patience = Patience(isCrowded: false)
    let offers = (1...20_000).map { _ in patience.pause() }
    #expect(offers.firstIndex(of: true) == 19_999)
  }

  @Test func truthAsOpenMPIWritesIt() {
    for yes in ["1", "true", "yes", "t", "enabled"] { #expect(Patience.isYes(yes)) }
    for no in ["0", "false", "no", "False", "disabled", ""] { #expect(!Patience.isYes(no)) }
    #expect(!Patience.isYes(nil))
  }
}
