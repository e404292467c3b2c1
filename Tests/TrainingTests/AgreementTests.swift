import Messaging
import Testing

@testable import Training

@Suite struct AgreementTests {
  private struct Mine: Error, Equatable { let rank: Int }

  @Test func theLowestFailingRankExplainsAndAllFail() throws {
    let outcomes = try LocalWorld.run(ranks: 4) { communicator -> String in
      do {
        try Agreement(over: communicator).agree {
          if communicator.rank == 1 { throw UsageError("one") }
          if communicator.rank == 3 { throw Mine(rank: 3) }
        }
        return "passed"
      } catch let error as SharedFailure {
        return "shared \(error.rank) \(error.code)"
      } catch { return "\(error)" }
    }
    #expect(
      outcomes == ["shared 1 usage", "one", "shared 1 usage", "shared 1 usage"])
  }

  @Test func valuesPassWhereNobodyFails() throws {
    let values = try LocalWorld.run(ranks: 3) { communicator in
      try Agreement(over: communicator).agree { communicator.rank * 2 }
    }
    #expect(values == [0, 2, 4])
  }

  @Test(arguments: ["", "a", "größer\nals eine Zeile"])
  func textIsShared(_ text: String) throws {
    let texts = try LocalWorld.run(ranks: 3) { communicator in
      try Agreement(over: communicator).share(
        communicator.rank == 0 ? text : "other")
    }
    #expect(texts == [text, text, text])
  }
}
