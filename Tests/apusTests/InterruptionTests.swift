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
