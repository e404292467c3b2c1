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

  /// Of `apus bench cluster --write FILE` the help of `bench cluster` must know `--write`.
  @Test func everyFlagThatTheReadmeUsesExists() throws {
    let program = try Program()
    var help: [[String]: String] = [:]
    var flags = 0
    let lines = try text("README.md").matches(of: /(?:apus|mpi-run\.sh -n \d+) ([a-z][^\n`#]*)/)
    for words in lines.map({ $0.output.1.split(separator: " ").map(String.init) }) {
      guard words.contains(where: { $0.hasPrefix("--") }) else { continue }
      let command = words[0] == "bench" ? Array(words[..<2]) : [words[0]]
      let known = try help[command] ?? program.run(["help"] + command).output
      help[command] = known
      for flag in words where flag.hasPrefix("--") {
        #expect(known.contains("\(flag) ") || known.contains("\(flag)\n"), "\(words)")
        flags += 1
      }
    }
    #expect(flags > 20 && help.count > 5, "\(flags) flags of \(help.keys)")
  }

  @Test func theVersionIsTheChangelogs() throws {
    let version = try Program().run(["--version"]).output.trimmingCharacters(in: .newlines)
    #expect(try text("CHANGELOG.md").contains("## \(version)"))
  }
}
