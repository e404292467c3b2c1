import Basics
import Testing

@testable import Collectives

@Suite struct ScheduleVerifierTests {
  @Test(arguments: allReduceCatalog.names)
  func everyAlgorithmIsRight(name: String) throws {
    let algorithm = try allReduceCatalog.find(name)
    for ranks in 1...64 {
      for count in Set([0, 1, ranks - 1, ranks, ranks + 1, 1000]) {
        try ScheduleVerifier.verify(algorithm, ranks: ranks, count: count)
      }
    }
  }
}
