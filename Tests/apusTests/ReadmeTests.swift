import Foundation
import Testing

/// What the README shows is what the repository holds.
@Suite struct ReadmeTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  private func text(_ name: String) throws -> String {
    try String(contentsOf: Self.root.appendingPathComponent(name), encoding: .utf8)
  }

  @Test func theLibraryExampleIsTheOneThatIsBuilt() throws {
    #expect(try text("README.md").contains(text("Examples/Library/main.swift")))
  }

  @Test func everyModuleStandsInTheTable() throws {
    let readme = try text("README.md")
    let modules = try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appendingPathComponent("Sources").path)
    for module in modules { #expect(readme.contains("`\(module)`"), "\(module)") }
  }

  @Test func everyFlagThatTheReadmeUsesExists() throws {
    let help = try Program().run(["help", "train"]).output
    let flags = try text("README.md").matches(of: /apus train[^\n`]*/).flatMap {
      $0.output.split(separator: " ").filter { $0.hasPrefix("--") }
    }
    #expect(flags.count > 5)
    for flag in flags { #expect(help.contains(flag), "\(flag)") }
  }

  @Test func theVersionIsTheChangelogs() throws {
    let version = try Program().run(["--version"]).output.trimmingCharacters(in: .newlines)
    #expect(try text("CHANGELOG.md").contains("## \(version)"))
  }
}
