// A rank that means something else is named, on every rank, and nobody hangs.

import Basics
import Kernels
import Messaging
import Testing

@testable import Collectives

@Suite struct MismatchCheckTests {
  /// What each rank is told when rank r compares `facts(r)`; nil where it may go on.
  private func outcome(
    ranks: Int, _ facts: @escaping @Sendable (Int) -> [CommonFact]
  ) throws -> [MessagingError?] {
    try LocalWorld.run(ranks: ranks, timeout: .seconds(20)) { communicator in
      var failure: MessagingError?
      do throws(MessagingError) {
        try MismatchCheck.compare(facts(communicator.rank), over: communicator)
      } catch { failure = error }
      // The communicator is as good as before: everybody has the same error.
      try communicator.barrier()
      return failure
    }
  }

  private func expect(_ errors: [MessagingError?], peer: Int, _ text: String) {
    for (rank, error) in errors.enumerated() {
      #expect(error?.rank == rank && error?.peer == peer && error?.isShared == true)
      #expect(error?.text == text)
    }
  }

  @Test(arguments: 1...5) func agreementPasses(ranks: Int) throws {
    let errors = try outcome(ranks: ranks) { _ in
      [CommonFact("the vector length", 1000), CommonFact("the algorithm", "ring")]
    }
    #expect(errors.allSatisfy { $0 == nil })
    let none = try outcome(ranks: ranks) { _ in [] }
    #expect(none.allSatisfy { $0 == nil })
  }

  @Test(arguments: 3...5) func oneAgainstMany(ranks: Int) throws {
    for odd in 0..<ranks {
      let errors = try outcome(ranks: ranks) { rank in
        [
          CommonFact("the algorithm", "ring"),
          CommonFact("the vector length", rank == odd ? 1001 : 1000),
        ]
      }
      expect(
        errors, peer: odd,
        "the ranks disagree on the vector length: 1001 on rank \(odd), 1000 on the others")
    }
  }

  @Test func twoRanksStandAgainstEachOther() throws {
    let types = ["float32", "bfloat16"]
    let errors = try outcome(ranks: 2) { [CommonFact("the wire format", types[$0])] }
    expect(
      errors, peer: 1,
      "the ranks disagree on the wire format: float32 on rank 0, bfloat16 on rank 1")
  }

  @Test func theFirstFactThatDiffersIsNamed() throws {
    let errors = try outcome(ranks: 4) { rank in
      [
        CommonFact("the algorithm", rank == 2 ? "tree" : "ring"),
        CommonFact("the vector length", 10 + rank),
      ]
    }
    expect(
      errors, peer: 2, "the ranks disagree on the algorithm: tree on rank 2, ring on the others")
  }

  @Test func missingFactsCount() throws {
    let errors = try outcome(ranks: 3) { rank in
      let facts = [CommonFact("the length", 7), CommonFact("the seed", "")]
      return rank == 1 ? facts : facts + [CommonFact("the buckets", [3, 4])]
    }
    expect(
      errors, peer: 1, "the ranks disagree on the buckets: nothing on rank 1, [3, 4] on the others")
  }

  @Test func manyRanksAreAbbreviated() {
    let all = (0..<30).map { [CommonFact("the length", $0 % 3 == 0 ? $0 % 2 : 5)] }
    #expect(
      MismatchCheck.verdict(all)?.text
        == "the ranks disagree on the length: 0 on ranks 0, 6, 12, 18, 24, 1 on ranks 3, 9, 15, 21,"
        + " 27, 5 on the others")
    let pairs = (0..<24).map { [CommonFact("the length", $0 % 2)] }
    #expect(
      MismatchCheck.verdict(pairs)?.text
        == "the ranks disagree on the length: 0 on ranks 0, 2, 4, 6 and 8 more, 1 on ranks 1, 3, 5,"
        + " 7 and 8 more")
    #expect(MismatchCheck.verdict(pairs)?.rank == 1)
  }

  /// Without the comparison beforehand: what a runner itself notices, whoever sends too little.
  @Test(arguments: 2...5, [false, true])
  func runnersNoticeShortMessages(ranks: Int, blocking: Bool) throws {
    for odd in 0..<ranks {
      let failure = #expect(throws: MessagingError.self) {
        try LocalWorld.run(ranks: ranks, timeout: .seconds(20)) { communicator in
          // Everybody else expects a hundred elements of each neighbour.
          let range = 0..<(communicator.rank == odd ? 99 : 100)
          let schedule = Schedule([
            [
              .receive(0..<100, from: (communicator.rank + ranks - 1) % ranks, .add),
              .send(range, to: (communicator.rank + 1) % ranks),
            ]
          ])
          let runner = ScheduleRunner(
            schedule, communicator: communicator, tag: 3, kernels: KernelSelection.best)
          let values = FloatBuffer(count: 100)
          try runner.start(on: values.values)
          if blocking { try runner.finish() } else { while try !runner.advance() {} }
        }
      }
      #expect(failure?.peer == odd && failure?.rank == (odd + 1) % ranks)
      #expect(failure?.text.contains("396 bytes where 400 were expected") == true)
    }
  }
}
