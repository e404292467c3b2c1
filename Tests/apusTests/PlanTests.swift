import Foundation
import Testing
import Training

/// `apus plan` and `apus bench cluster` as a user meets them.
@Suite struct PlanTests {
  private static let quick = ["plan", "--model", "linear", "--batch", "4", "--compute-ms", "1"]

  @Test func foresees() throws {
    let program = try Program()
    let planned = try program.run(
      Self.quick + [
        "--nodes", "12", "--ranks-per-node", "2", "--bandwidth", "25Gbit/s", "--latency", "2us",
        "--set", "reduce-rate=8GB/s", "--sizes", "4K,1M", "--csv", "plan.csv", "--svg", "plan.svg",
      ])
    #expect(planned.code == 0, "\(planned.error)")
    for word in ["12 nodes x 2 ranks", "25Gbit/s", "2us", "efficiency", "hierarchical-ring", "*"] {
      #expect(planned.output.contains(word), "\(planned.output)")
    }
    let lines = try String(contentsOfFile: program("plan.csv"), encoding: .utf8)
      .split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    let steps = lines.filter { $0[0] == "step" }
    #expect(steps.map { $0[3] } == ["1", "2", "4", "8", "12"])
    // Weak scaling never gains, and overlap never loses.
    let times = steps.compactMap { Double($0[5]) }, serial = steps.compactMap { Double($0[6]) }
    #expect(times.count == 5 && times[0] >= 999 && times.allSatisfy { $0 >= times[0] })
    #expect(zip(times, serial).allSatisfy { $0 <= $1 * 1.0001 })
    #expect(lines.contains { $0[0] == "all-reduce" && $0[1] == "ring" && $0[2] == "1048576" })
    #expect(FileManager.default.fileExists(atPath: program("plan.svg")))
  }

  @Test func readsADescriptionAndExports() throws {
    let program = try Program()
    try "nodes: 3\nbandwidth: 1Gbit/s\nlatency: 50us\none-machine: no\n".write(
      toFile: program("cluster.yaml"), atomically: true, encoding: .utf8)
    let planned = try program.run(
      Self.quick + [
        "--cluster", "cluster.yaml", "--latency", "1ms", "--sizes", "64K", "--export", "scripts",
      ])
    #expect(planned.code == 0, "\(planned.error)")
    #expect(planned.output.contains("3 nodes") && planned.output.contains("1Gbit/s, latency 1ms"))
    let script = try String(
      contentsOfFile: program("scripts/ring-65536/2"), encoding: .utf8)
    #expect(script.contains("send 0 0 ") && script.contains("take 3") && script.contains("work "))
  }

  @Test func aBenchOfOneRankIsRefused() throws {
    let refused = try Program().run(["bench", "all-reduce", "--sizes", "4"])
    #expect(refused.code == ExitCode.usage.rawValue && refused.output.isEmpty)
    #expect(
      refused.error.contains("mpirun -np 2") && refused.error.split(separator: "\n").count == 1)
  }

  @Test func measuresACluster() throws {
    let program = try Program()
    let measured = try program.run(["bench", "cluster", "--write", "here.yaml"], ranks: 2)
    #expect(measured.code == 0, "\(measured.error)")
    let text = try String(contentsOfFile: program("here.yaml"), encoding: .utf8)
    #expect(text == measured.output)
    #expect(text.contains("ranks-per-node: 2") && text.contains("local-bandwidth: "))
    let planned = try program.run(Self.quick + ["--cluster", "here.yaml", "--sizes", "4K"])
    #expect(planned.code == 0 && planned.output.contains("shared"), "\(planned.error)")
  }

  /// As long as it takes, not as the batch is large.
  @Test func aLargeBatchIsMeasuredOnFewerSamples() throws {
    let program = try Program()
    let model = ["plan", "--model", "mlp", "--nodes", "2", "--sizes", "none", "--batch", "1048576"]
    let measured = try program.run(model)
    #expect(measured.code == 0 && measured.seconds < 60, "\(measured.error)")
    #expect(measured.output.hasPrefix("measuring steps of mlp on "), "\(measured.output)")
    #expect(measured.output.contains("samples, taken for 1,048,576\n"), "\(measured.output)")
    let given = try program.run(model + ["--compute-ms", "7"])
    #expect(given.output.contains("7.000 ms of computing a step (given"), "\(given.output)")
    #expect(!given.output.contains("measur"), "\(given.output)")
  }

  @Test func refusals() throws {
    let program = try Program()
    let cases: [([String], [String])] = [
      (["--bandwidth", "25Gbit"], ["--bandwidth", "'25Gbit'", "25Gbit/s"]),
      (["--bandwidth", "0GB/s"], ["above 0"]),
      (["--latency", "-2us"], ["--latency", "10us"]),
      (["--nodes", "0"], ["--nodes", "from 1"]),
      (["--nodes", "many"], ["'many'"]),
      (["--nodes", "60000", "--ranks-per-node", "8"], ["480000 ranks"]),
      (["--set", "latencies=2us"], ["did you mean 'latency'"]),
      (["--set", "latency"], ["KEY=VALUE"]),
      (["--set", "slow-nodes=3"], ["3:0.5"]),
      (["--set", "one-machine=yes"], ["cores"]),
      (["--sizes", "5"], ["multiples of 4"]),
      (["--input", "28x"], ["--input 28x"]),
      (["--compute-ms", "0"], ["--compute-ms"]),
      (["--batch", "0"], ["--batch 0"]),
      (["--model", "mpl"], ["did you mean 'mlp'"]),
      (["--algorithms", "rign"], ["did you mean 'ring'"]),
      (["--algorithms", "native"], ["keeps what it does"]),
    ]
    for (arguments, words) in cases {
      let finished = try program.run(Self.quick + arguments)
      #expect(finished.code == ExitCode.usage.rawValue, "\(arguments): \(finished.code)")
      #expect(finished.complaints.count == 1, "\(finished.error)")
      for word in words { #expect(finished.error.contains(word), "\(finished.error)") }
    }
    try "nodes: [1, 2]\n".write(
      toFile: program("bad.yaml"), atomically: true, encoding: .utf8)
    for (file, code) in [("bad.yaml", ExitCode.usage), ("none.yaml", .badData)] {
      let finished = try program.run(Self.quick + ["--cluster", file])
      #expect(finished.code == code.rawValue && finished.complaints.count == 1)
      #expect(finished.error.contains(file))
    }
  }
}
