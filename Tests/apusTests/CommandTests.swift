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
    for name in ["cnn", "lenet", "fashion-mnist", "idx:", "sync", "adamw", "cosine", "ring"] {
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
    ] {
      let wrong = try program.run(["draw"] + arguments + ["--output", "wrong.svg"])
      #expect(wrong.code == ExitCode.usage.rawValue && wrong.error.contains(word))
      #expect(!FileManager.default.fileExists(atPath: program("wrong.svg")))
    }
  }
}
