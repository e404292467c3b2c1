import Foundation
import Testing
import Training

/// The commands as a user meets them.
@Suite struct CommandTests {
  @Test func trainEvaluateInspect() throws {
    let program = try Program()
    let trained = try program.run(
      ["train", "--model", "linear", "--data", "generated:600,100", "--epochs", "2", "--run", "r"],
      ranks: 2)
    #expect(trained.code == 0, "\(trained.error)")
    #expect(trained.output.contains("held-out accuracy"))
    #expect(trained.output.contains("r/curves.svg"))
    #expect(!trained.output.contains("\u{1B}"), "plain lines where there is no terminal")
    let end = try #require(program.log("r").last)
    #expect(end.event == .end && end.outcome == "done" && (end.bytesSent ?? 0) > 0)

    let evaluated = try program.run(["evaluate", "r", "--json"], ranks: 3)
    #expect(evaluated.code == 0, "\(evaluated.error)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let figures = try decoder.decode(LogLine.self, from: Data(evaluated.output.utf8))
    #expect(figures.heldOutAccuracy == end.heldOutAccuracy)

    let inspected = try program.run(["inspect", "r"])
    #expect(inspected.code == 0)
    for word in ["linear", "28x28x1", "1.weight", "10 x 784", "optimizer.first_moment.1.bias"] {
      #expect(inspected.output.contains(word), "\(inspected.output)")
    }
    let foreign = try program.run(["evaluate", "r/checkpoints/latest"])
    #expect(foreign.code == ExitCode.usage.rawValue && foreign.error.contains("--data"))
  }

  /// A list of layers with batch normalisation, on two ranks: train, go on, evaluate, look at it.
  @Test func aPersonsOwnModel() throws {
    let program = try Program()
    let job = """
      model:
        - convolution: {channels: 8, padding: 1, bias: false, name: first}
        - batch-normalisation
        - relu
        - max-pooling: 4
        - flatten
        - dense: 10
      data: generated:300,100
      batch: 50
      epochs: 1
      """
    try job.write(toFile: program("mine.yaml"), atomically: true, encoding: .utf8)
    let trained = try program.run(["train", "mine.yaml", "--run", "r"], ranks: 2)
    #expect(trained.code == 0, "\(trained.error)")
    let resumed = try program.run(
      ["train", "--run", "r", "--resume", "--epochs", "2", "--optimizer", "adam"], ranks: 2)
    #expect(resumed.code == 0, "\(resumed.error)")
    let end = try #require(program.log("r").last)
    let evaluated = try program.run(["evaluate", "r", "--json"])
    #expect(evaluated.code == 0, "\(evaluated.error)")
    #expect(end.heldOutAccuracy.map { evaluated.output.contains("\($0)") } == true)
    let inspected = try program.run(["inspect", "r"])
    for word in ["custom", "first.weight", "1.running_var"] {
      #expect(inspected.output.contains(word), "\(inspected.output)")
    }
    let plan = try program.run(["inspect", "--plan", "mine.yaml", "--batch", "5"])
    #expect(plan.code == 0 && plan.output.contains("28x28x8"), "\(plan.error)")
    // What the job says counts, unless flags say otherwise.
    #expect(try program.run(["inspect", "--plan", "mine.yaml"]).output.contains("batch 50"))
    let small = try program.run(["inspect", "--plan", "mine.yaml", "--input", "3x3x1"])
    #expect(small.code == ExitCode.usage.rawValue)
    #expect(small.error.contains("layer 3") && small.error.contains("3x3x8"), "\(small.error)")
  }

  @Test func plansOfNamedModels() throws {
    let program = try Program()
    let plan = try program.run(["inspect", "--plan", "resnet20", "--batch", "8"])
    #expect(plan.code == 0, "\(plan.error)")
    for word in ["layer2.0.downsample.0", "16x16x32", "272,474 parameters", "batch 8"] {
      #expect(plan.output.contains(word), "\(plan.output)")
    }
    for wrong in [["--plan", "resnet21"], ["--plan", "mlp", "--input", "3xx"], []] {
      let refused = try program.run(["inspect"] + wrong)
      #expect(refused.code == ExitCode.usage.rawValue && !refused.error.isEmpty)
    }
  }

  @Test func aPlanIsThatOfTheJob() throws {
    let program = try Program()
    let rows = (0..<20).map { "1,2,3,4,5,\(["a", "b", "c"][$0 % 3])\n" }.joined()
    try rows.write(toFile: program("rows.csv"), atomically: true, encoding: .utf8)
    func plan(_ job: String, _ more: String...) throws -> Finished {
      try job.write(toFile: program("job.yaml"), atomically: true, encoding: .utf8)
      return try program.run(["inspect", "--plan", "job.yaml"] + more)
    }
    let own = "model:\n  - dense: {features: 3}\ndata: csv:rows.csv\nbatch: 7\n"
    #expect(try plan(own).output.hasPrefix("job.yaml for samples of 5, 3 classes; batch 7"))
    let flags = try plan(own, "--batch", "9", "--input", "6")
    #expect(
      flags.output.hasPrefix("job.yaml for samples of 6, 3 classes; batch 9"), "\(flags.error)")
    let named = "model: resnet20\ndata: generated:60,20\nbatch: 8\nconvolution: direct\n"
    let direct = try plan(named).output
    #expect(direct.contains("28x28x1") && direct.contains("direct") && !direct.contains("winograd"))
    let wide = "model: matrix-factorization\nsettings: {width: '24'}\n"
    let missing = try plan(wide + "data: movielens:none\n")
    #expect(missing.code == 0 && missing.complaints.count == 1, "\(missing.error)")
    #expect(missing.error.contains("none: ") && missing.error.contains("see --input"))
    #expect(missing.output.contains("24"), "\(missing.output)")
    let other = try plan(wide + "data: movielens:none\n", "--set", "width=40")
    #expect(other.output != missing.output)
  }

  /// Flags of plans would do nothing to a checkpoint.
  @Test func aCheckpointIsShownAsItIs() throws {
    let program = try Program()
    for flag in [
      ["--batch", "0"], ["--set", "q=1"], ["--convolution", "f2"], ["--input", "3x3"],
      ["--classes", "3"],
    ] {
      let refused = try program.run(["inspect", "run"] + flag)
      #expect(refused.code == ExitCode.usage.rawValue && refused.complaints.count == 1)
      #expect(refused.error.contains("\(flag[0]) is for --plan only"), "\(refused.error)")
    }
  }

  @Test func quietPrintsNothing() throws {
    let program = try Program()
    let finished = try program.run(
      ["train", "--model", "linear", "--data", "generated:200,50", "--steps", "3", "--quiet"])
    #expect(finished.code == 0 && finished.output.isEmpty && finished.error.isEmpty)
    #expect(program.log("runs/linear-generated-sync-1").last?.event == .end)
  }

  @Test func helpExplains() throws {
    let program = try Program()
    let help = try program.run(["--help"])
    #expect(help.code == 0)
    for word in ["train", "evaluate", "inspect", "list", "mpirun"] {
      #expect(help.output.contains(word))
    }
    let train = try program.run(["help", "train"])
    for flag in [
      "--model", "--data", "--strategy", "--optimizer", "--learning-rate", "--batch", "--epochs",
      "--steps", "--all-reduce", "--seed", "--run", "--checkpoint-every", "--resume", "--quiet",
    ] {
      #expect(train.output.contains(flag))
    }
    let list = try program.run(["list"])
    for name in [
      "cnn", "fashion-mnist", "idx:", "sync", "adamw", "cosine", "ring", "average-pooling",
      "channels: ",
    ] {
      #expect(list.output.contains(name))
    }
  }

  @Test func drawWritesSVG() throws {
    let program = try Program()
    let drawn = try program.run(["draw", "double-tree", "--ranks", "5", "--output", "tree.svg"])
    #expect(drawn.code == 0 && drawn.output.isEmpty && drawn.error.isEmpty, "\(drawn.error)")
    let svg = try String(contentsOfFile: program("tree.svg"), encoding: .utf8)
    #expect(svg.hasPrefix("<svg") && svg.contains("5 ranks") && svg.hasSuffix("</svg>\n"))
    let printed = try program.run(["draw", "shared", "--ranks", "4"])
    #expect(printed.code == 0 && printed.output.contains("class=\"fence\""))
    for (arguments, word) in [
      (["rign"], "did you mean 'ring'"), (["ring", "--ranks", "65"], "1 to 64"),
      (["shared", "--ranks-per-node", "2"], "one node"), (["ring", "--count", "-1"], "--count"),
      (["segmented-ring", "--ranks", "64", "--count", "100000000"], "smaller --count"),
    ] {
      let wrong = try program.run(["draw"] + arguments + ["--output", "wrong.svg"])
      #expect(wrong.code == ExitCode.usage.rawValue && wrong.error.contains(word))
      #expect(!FileManager.default.fileExists(atPath: program("wrong.svg")))
    }
  }
}
