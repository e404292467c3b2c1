import Messaging
import Testing

@Suite struct LocalConformance {
  @Test(arguments: ConformanceCheck.all, 1...4)
  func conforms(check: ConformanceCheck, ranks: Int) throws {
    try LocalWorld.run(ranks: ranks, timeout: .seconds(30)) { try check.body($0) }
  }
}
