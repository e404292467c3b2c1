import Foundation
import Testing
import Training

/// `apus generate` and `apus export` as a user meets them.
@Suite struct GenerateTests {
  private func train(
    _ program: Program, _ model: String, _ data: String, _ more: [String]
  ) throws {
    let trained = try program.run(
      ["train", "--model", model, "--data", data, "--run", "run", "--quiet"] + more)
    #expect(trained.code == 0, "\(trained.error)")
  }

  @Test func aTrainedTextGoesOn() throws {
    let program = try Program()
    let text = String(repeating: "one two three four. ", count: 100)
    try Data(text.utf8).write(to: URL(fileURLWithPath: program("text.txt")))
    try train(
      program, "gru", "text:text.txt",
      [
        "--set", "length=24", "--set", "width=32", "--batch", "8", "--epochs", "12",
        "--learning-rate", "0.02",
      ])
    // Longer than a window; the likeliest character every time.
    let made = try program.run(
      ["generate", "run", "--prompt", "one t", "--length", "75", "--temperature", "0"])
    #expect(made.output == String(text.prefix(80)) + "\n", "\(made.output) \(made.error)")
    func drawn(_ seed: String) throws -> String {
      try program.run(
        ["generate", "run", "--length", "60", "--temperature", "3", "--seed", seed]
      ).output
    }
    #expect(try drawn("1") == drawn("1"))
    #expect(try drawn("1") != drawn("2"))
    for flag in ["--count", "--output"] {
      let refused = try program.run(["generate", "run", flag, "5"])
      #expect(refused.code == ExitCode.usage.rawValue && refused.output.isEmpty)
      #expect(refused.complaints == ["apus: \(flag) is for pictures only"])
    }
    // Another text of as many characters would give nonsense.
    try Data(text.replacingOccurrences(of: "e", with: "E").utf8)
      .write(to: URL(fileURLWithPath: program("text.txt")))
    let other = try program.run(["generate", "run"])
    #expect(other.code == ExitCode.usage.rawValue && other.complaints.count == 1)
    #expect(other.error.contains("trained on the characters ' ', '.', 'e'"), "\(other.error)")
    try Data(text.utf8).write(to: URL(fileURLWithPath: program("text.txt")))
    let unknown = try program.run(["generate", "run", "--prompt", "ONE"])
    #expect(unknown.code == ExitCode.usage.rawValue && unknown.complaints.count == 1)
    #expect(unknown.error.contains("--prompt"))
  }

  @Test func picturesAreWrittenToAFile() throws {
    let program = try Program()
    try train(
      program, "gan", "generated:64,16",
      ["--set", "width=4", "--set", "noise=6", "--batch", "16", "--steps", "3"])
    let made = try program.run(["generate", "run", "--count", "10"])
    #expect(made.code == 0 && made.output.contains("10 pictures"), "\(made.error)")
    let png = try Data(contentsOf: URL(fileURLWithPath: program("run/generated.png")))
    #expect(png.prefix(8) == Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
    // Two rows of eight, 28 pixels each, 2 apart.
    #expect(png[16..<24] == Data([0, 0, 0, 242, 0, 0, 0, 62]))
    let refused = try program.run(["generate", "run", "--prompt", "a"])
    #expect(refused.complaints == ["apus: --prompt is for texts only"])
    let other = try program.run(["generate", "run", "--seed", "2", "--output", "other.png"])
    #expect(other.code == 0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: program("other.png"))) != png)
  }

  @Test func classifiersGenerateNothing() throws {
    let program = try Program()
    try train(program, "linear", "generated:64,16", ["--batch", "16", "--steps", "2"])
    let made = try program.run(["generate", "run"])
    #expect(made.code == ExitCode.usage.rawValue && made.complaints.count == 1)
    #expect(made.error.contains("linear generates nothing"))
    let missing = try program.run(["generate", "nowhere"])
    #expect(missing.code == ExitCode.usage.rawValue && missing.complaints.count == 1)
  }

  @Test func anExportHoldsTheModelAlone() throws {
    let program = try Program()
    try train(program, "linear", "generated:64,16", ["--batch", "16", "--steps", "2"])
    let made = try program.run(["export", "run", "model.safetensors"])
    #expect(made.output.contains("model.safetensors: 2 tensors of linear after 2 steps"))
    let file = try Data(contentsOf: URL(fileURLWithPath: program("model.safetensors")))
    let length = file.withUnsafeBytes { Int($0.loadUnaligned(as: UInt64.self)) }
    let header = try JSONSerialization.jsonObject(with: file[8..<8 + length]) as? [String: Any]
    #expect(Set(header!.keys) == ["__metadata__", "1.weight", "1.bias"])
    let refused = try program.run(["export", "run", "nowhere/model.safetensors"])
    #expect(refused.code == ExitCode.inputOutput.rawValue && refused.complaints.count == 1)
  }
}
