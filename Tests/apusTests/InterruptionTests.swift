import Foundation
import Testing
import Training

#if canImport(Glibc)
  import Glibc
#endif

/// Killed or stopped runs go on as if nothing had happened.
@Suite(.serialized) struct InterruptionTests {
  private static let job = [
    "--data", "generated:600,60", "--model", "lenet", "--batch", "24", "--epochs", "8",
    "--checkpoint-every", "17", "--quiet",
  ]

  private func train(_ program: Program, _ run: String) -> [String] {
    ["train"] + Self.job + ["--run", run]
  }

  @Test(arguments: [nil, 2, 3])
  func killedAtAnyStepTheRunEndsByteForByteTheSame(_ ranks: Int?) throws {
    let program = try Program()
    #expect(try program.run(train(program, "whole"), ranks: ranks).code == 0)
    let expected = try program.newest("whole")
    for (trial, step) in [5, 60, 140].enumerated() {
      let run = "killed\(trial)"
      let running = try program.start(train(program, run), ranks: ranks)
      let reached = running.wait { (program.log(run).last?.step ?? 0) >= step }
      #expect(reached)
      if let victim = running.ranks().randomElement() { kill(victim, SIGKILL) }
      let killed = running.wait()
      #expect(killed.seconds < 60)
      let resumed = try program.run(["train", "--resume", "--quiet", "--run", run], ranks: ranks)
      #expect(resumed.code == 0 && resumed.output.isEmpty, "\(resumed.error)")
      #expect(try program.newest(run) == expected, "killed at step \(step) or later")
      #expect(program.partialFiles().isEmpty)
    }
  }

  /// Every rank has parameters of its own when it is killed.
  @Test func killedBetweenAveragingsTheRunEndsByteForByteTheSame() throws {
    let program = try Program()
    func train(_ run: String) -> [String] {
      self.train(program, run) + ["--strategy", "local-sgd", "--set", "tau=7"]
    }
    #expect(try program.run(train("whole"), ranks: 3).code == 0)
    let expected = try program.newest("whole")
    let running = try program.start(train("killed"), ranks: 3)
    #expect(running.wait { (program.log("killed").last?.step ?? 0) >= 40 })
    if let victim = running.ranks().randomElement() { kill(victim, SIGKILL) }
    _ = running.wait()
    let resumed = try program.run(["train", "--resume", "--quiet", "--run", "killed"], ranks: 3)
    #expect(resumed.code == 0, "\(resumed.error)")
    #expect(try program.newest("killed") == expected)
  }

  /// The server, or a worker: whoever gets the signal or dies.
  @Test func aRunWithAServerIsStoppedAndKilledAndGoesOn() throws {
    let program = try Program()
    let arguments = train(program, "run") + ["--strategy", "async", "--learning-rate", "0.0003"]
    var running = try program.start(arguments, ranks: 4)
    #expect(running.wait { (program.log("run").last?.step ?? 0) >= 10 })
    kill(try #require(running.ranks().last), SIGUSR1)
    let stopped = running.wait()
    #expect(stopped.code == ExitCode.stopped.rawValue, "\(stopped.code) \(stopped.error)")
    let resume = ["train", "--resume", "--quiet", "--run", "run"]
    let step = program.log("run").last?.step ?? 0
    running = try program.start(resume, ranks: 4)
    #expect(running.wait { (program.log("run").last?.step ?? 0) >= step + 20 })
    if let victim = running.ranks().randomElement() { kill(victim, SIGKILL) }
    #expect(running.wait().seconds < 60)
    let resumed = try program.run(resume, ranks: 4)
    #expect(resumed.code == 0 && resumed.output.isEmpty, "\(resumed.error)")
    #expect(program.log("run").last?.outcome == "done")
    #expect(program.log("run").last?.step == 200)
  }

  @Test(arguments: [nil, 3]) func stoppedOnRequestTheRunIsResumable(_ ranks: Int?) throws {
    let program = try Program()
    #expect(try program.run(train(program, "whole"), ranks: ranks).code == 0)
    let running = try program.start(train(program, "stopped"), ranks: ranks)
    #expect(running.wait { (program.log("stopped").last?.step ?? 0) >= 5 })
    // One rank alone gets the signal; all stop after the same step.
    kill(try #require(running.ranks().last), SIGUSR1)
    let stopped = running.wait()
    #expect(stopped.code == ExitCode.stopped.rawValue, "\(stopped.code) \(stopped.error)")
    #expect(program.log("stopped").last?.outcome == "stopped")
    let resumed = try program.run(
      ["train", "--resume", "--quiet", "--run", "stopped"], ranks: ranks)
    #expect(resumed.code == 0, "\(resumed.error)")
    #expect(try program.newest("stopped") == program.newest("whole"))
  }
}
