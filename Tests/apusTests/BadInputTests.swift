import Foundation
import Testing
import Training

/// Bad input ends the whole job within seconds, with one line and the right code, and leaves no
/// half-written file.
@Suite(.serialized) struct BadInputTests {
  private static let short = ["train", "--data", "generated:200,50", "--model", "linear"]

  private func expectRefusal(
    _ program: Program, _ arguments: [String], code: ExitCode, mentions words: [String],
    ranks: Int?, shell: String? = nil
  ) throws {
    let finished = try program.run(arguments, ranks: ranks, shell: shell)
    #expect(finished.code == code.rawValue, "\(arguments) ended with \(finished.code)")
    #expect(finished.complaints.count == 1, "one line: \(finished.error)")
    for word in words {
      #expect(
        finished.complaints.first?.contains(word) == true, "\(finished.error) lacks '\(word)'")
    }
    #expect(finished.seconds < 15)
    #expect(program.partialFiles().isEmpty)
  }

  @Test(arguments: [nil, 2]) func namesAndNumbers(_ ranks: Int?) throws {
    let program = try Program()
    let cases: [([String], [String])] = [
      (["--model", "cmn"], ["'cmn'", "did you mean 'cnn'"]),
      (["--optimizer", "adan"], ["did you mean 'adam'"]),
      (["--data", "fashion-mnst"], ["did you mean 'fashion-mnist'"]),
      (["--all-reduce", "tre"], ["did you mean 'tree'"]),
      (["--learning-rate", "nan"], ["--learning-rate nan"]),
      (["--learning-rate", "fast"], ["fast"]),
      (["--batch", "0"], ["--batch 0"]),
      (["--steps", "-1"], ["--steps"]),
      (["--set", "momentun=0.9", "--optimizer", "sgd"], ["did you mean 'momentum'"]),
      (["--lerning-rate", "1"], ["--learning-rate"]),
      (["--set", "momentum"], ["--set momentum", "NAME=VALUE"]),
      (["--learning-rate", "-0.1"], ["--learning-rate -0.1"]),
      (["--data", "/data/mnist"], ["idx:FOLDER"]),
      (["--run", ""], ["--run"]),
    ]
    for (arguments, words) in ranks == nil ? cases : [cases[0], cases[4], cases[9]] {
      try expectRefusal(
        program, Self.short + ["--run", "run"] + arguments, code: .usage, mentions: words,
        ranks: ranks)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder).isEmpty)
    try expectRefusal(
      program, ["trian"], code: .usage, mentions: ["did you mean 'train'"], ranks: ranks)
  }

  @Test func modelsThatDoNotFitTheData() throws {
    let program = try Program()
    func refuse(_ model: String, _ words: [String], _ flags: [String] = []) throws {
      try "model: [\(model)]\ndata: generated:200,50\n"
        .write(toFile: program("job.yaml"), atomically: true, encoding: .utf8)
      try expectRefusal(
        program, ["train", "job.yaml"] + flags, code: .usage, mentions: words, ranks: nil)
    }
    try refuse("flatten, dense: 5", ["10 classes", "only 5"])
    try refuse("flatten", ["train"])
    try refuse(
      "flatten, {dense: {features: 9, name: a}}, {dense: {features: 10, name: a}}",
      ["job.yaml:1", "a.weight already"])
    try refuse("flatten, {dense: 16777216}, {dense: 16777216}", ["GB", "smaller"])
    try refuse("flatten, relu, {convolution: 3}", ["job.yaml:1", "layer 2", "784"])
  }

  /// Nobody gave a folder: none is left, and no number used up.
  @Test(arguments: [nil, 2]) func aRunThatNeverBeginsLeavesNoFolder(_ ranks: Int?) throws {
    let program = try Program()
    let cases: [([String], [String])] = [
      (["--model", "../zz"], ["unknown model '../zz'"]),
      (["--model", "a/b"], ["unknown model 'a/b'"]),
      (["--steps", "0"], ["--steps"]), (["--data", "idx:nowhere"], ["nowhere: no such folder"]),
    ]
    for (arguments, words) in ranks == nil ? cases : [cases[0]] {
      try expectRefusal(
        program, Self.short + arguments, code: arguments[0] == "--data" ? .badData : .usage,
        mentions: words, ranks: ranks)
    }
    try Data("model:\n  - flatten\n  - dense: {features: 10, name: optimizer.x}\n".utf8)
      .write(to: URL(fileURLWithPath: program("job.yaml")))
    try expectRefusal(
      program, ["train", "job.yaml", "--data", "generated:200,50"], code: .usage,
      mentions: ["'optimizer.x.weight'", "another name"], ranks: ranks)
    #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder) == ["job.yaml"])
    let good = try program.run(Self.short + ["--steps", "2"], ranks: ranks)
    #expect(good.code == 0 && good.output.contains("runs/linear-generated-sync-1/log.jsonl"))
    #expect(program.log("runs/linear-generated-sync-1").last?.outcome == "done")
  }

  /// As the README's table of exit codes has it, whatever the command.
  @Test func everyCommandHasTheSameCodes() throws {
    let program = try Program()
    let missing = [
      ["inspect", "none"], ["export", "none", "file"], ["train", "none.yaml"],
      ["evaluate", "none", "--data", "generated:20,10"], ["train", "--data", "csv:none"],
      ["inspect", "--plan", "none.yaml"],
    ]
    for arguments in missing {
      try expectRefusal(program, arguments, code: .badData, mentions: ["none"], ranks: nil)
    }
    for (arguments, shell) in [
      (["inspect", "--plan", "linear"], "KERNEL_ISA=foo"), (Self.short, "KERNEL_ISA=foo"),
      (Self.short, "APUS_PROGRESS=foo"),
    ] {
      try expectRefusal(
        program, arguments, code: .usage, mentions: ["foo"], ranks: nil, shell: shell)
    }
  }

  @Test func nobodyListensToTheComplaint() throws {
    let program = try Program()
    for shell in ["exec 2>&-;", "exec 2>/dev/full;"] {
      let finished = try program.run(Self.short + ["--model", "none"], shell: shell)
      #expect(finished.code == ExitCode.usage.rawValue)
    }
  }

  @Test func aBatchSmallerThanTheRanks() throws {
    try expectRefusal(
      Program(), Self.short + ["--batch", "2"], code: .usage, mentions: ["--batch 2", "3 ranks"],
      ranks: 3)
  }

  @Test func dataThatIsMissingTruncatedOrMislabelled() throws {
    let program = try Program()
    func idx(_ name: String, magic: UInt8, dimensions: [UInt32], bytes: Int) throws {
      var data = Data([0, 0, 8, magic])
      for extent in dimensions {
        withUnsafeBytes(of: extent.bigEndian) { data.append(contentsOf: $0) }
      }
      data.append(Data((0..<bytes).map { UInt8($0 % 3) }))
      try data.write(to: URL(fileURLWithPath: program("data/" + name)))
    }
    try FileManager.default.createDirectory(
      atPath: program("data"), withIntermediateDirectories: true)
    func refuse(_ code: ExitCode, _ words: [String]) throws {
      try expectRefusal(
        program, ["train", "--data", "idx:data", "--model", "linear", "--run", "run"], code: code,
        mentions: words, ranks: 2)
    }
    try refuse(.badData, ["data"])
    for half in ["train", "t10k"] {
      try idx("\(half)-images-idx3-ubyte", magic: 3, dimensions: [8, 5, 5], bytes: 200)
      try idx("\(half)-labels-idx1-ubyte", magic: 1, dimensions: [8], bytes: 8)
    }
    let good = try program.run(
      ["train", "--data", "idx:data", "--model", "linear", "--batch", "4", "--run", "good"])
    #expect(good.code == 0, "\(good.error)")
    try idx("train-images-idx3-ubyte", magic: 3, dimensions: [8, 5, 5], bytes: 150)
    try refuse(.badData, ["train-images-idx3-ubyte"])
    try idx("train-images-idx3-ubyte", magic: 1, dimensions: [8], bytes: 8)
    try refuse(.badData, ["train-images-idx3-ubyte"])
    try idx("train-images-idx3-ubyte", magic: 3, dimensions: [7, 5, 5], bytes: 175)
    try refuse(.badData, ["7", "8"])
    #expect(!FileManager.default.fileExists(atPath: program("run")))
  }

  @Test func aCheckpointOfAnotherModel() throws {
    let program = try Program()
    _ = try program.run(Self.short + ["--steps", "2", "--run", "run"])
    let before = try program.newest("run")
    try expectRefusal(
      program, ["train", "--model", "mlp", "--resume", "--run", "run"], code: .badData,
      mentions: ["another model (linear, not mlp)"], ranks: 2)
    #expect(try program.newest("run") == before)
    try expectRefusal(
      program, Self.short + ["--run", "run"], code: .usage, mentions: ["--resume"], ranks: 2)
    #expect(try program.newest("run") == before)
  }

  @Test func aFlippedBitFallsBackAndSaysSo() throws {
    let program = try Program()
    let job = Self.short + ["--batch", "20", "--steps", "10", "--checkpoint-every", "4"]
    #expect(try program.run(job + ["--run", "run"]).code == 0)
    let expected = try program.newest("run")
    let file = try #require(program.checkpoints("run").last)
    var bytes = expected
    bytes[bytes.count - 100] ^= 1
    try bytes.write(to: URL(fileURLWithPath: file))
    let inspected = try program.run(["inspect", file])
    #expect(inspected.code == ExitCode.badData.rawValue && inspected.complaints.count == 1)
    let resumed = try program.run(["train", "--resume", "--run", "run"], ranks: 1)
    #expect(resumed.code == 0, "\(resumed.error)")
    #expect((resumed.output + resumed.error).contains("damaged"))
    #expect(try program.newest("run") == expected)
    // Nothing whole is left: an error, not a new beginning.
    for file in program.checkpoints("run") { try Data([1]).write(to: URL(fileURLWithPath: file)) }
    try expectRefusal(
      program, ["train", "--resume", "--run", "run"], code: .badData, mentions: ["checkpoint"],
      ranks: 2)
  }

  /// Whether this user may mount a small file system in a namespace of its own.
  static let canMount: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  @Test(.enabled(if: canMount, "needs a mount namespace"), arguments: [nil, 2])
  func aFullDisk(_ ranks: Int?) throws {
    let program = try Program()
    // Room for two checkpoints of `linear` with Adam's state, 94 KB each.
    let shell = """
      mkdir full; exec unshare -rm sh -c 'mount -t tmpfs -o size=240k tmpfs full && "$@"; \
      code=$?; find full -type f >&2; exit $code' sh "$@"; 
      """
    let finished = try program.run(
      Self.short + ["--checkpoint-every", "1", "--keep", "9", "--run", "full/run"], ranks: ranks,
      shell: shell)
    #expect(finished.code == ExitCode.inputOutput.rawValue, "\(finished.error)")
    #expect(finished.complaints.count == 1, "\(finished.error)")
    #expect(finished.complaints.first?.contains("No space left on device") == true)
    #expect(finished.error.contains("step-00000001.safetensors"), "whole files stay")
    #expect(!finished.error.contains(".partial\n"), "no half-written file: \(finished.error)")
    #expect(finished.seconds < 15)
  }

  @Test func anUnwritableFolder() throws {
    let program = try Program()
    try Data().write(to: URL(fileURLWithPath: program("file")))
    try expectRefusal(
      program, Self.short + ["--run", "file/run"], code: .inputOutput, mentions: ["file/run"],
      ranks: 2)
  }

  @Test func aLossThatIsNotANumber() throws {
    let program = try Program()
    try expectRefusal(
      program,
      [
        "train", "--data", "generated:200,50", "--model", "mlp", "--optimizer", "sgd",
        "--learning-rate", "1e25", "--checkpoint-every", "1", "--run", "run",
      ], code: .diverged, mentions: ["not a number", "last good checkpoint"], ranks: 2)
    #expect(program.log("run").last?.outcome == "diverged")
    for file in program.checkpoints("run") {
      #expect(try program.run(["inspect", file]).code == 0)
    }
  }
}
