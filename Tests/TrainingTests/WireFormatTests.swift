// Training with gradients that travel in 16 bits.

import Basics
import Kernels
import Messaging
import Testing

@testable import Training

@Suite struct WireFormatTests {
  /// The losses of the first steps, the same on all ranks, and each rank's parameters.
  private func steps(_ wire: String, ranks: Int) throws -> (losses: [Double], replicas: [[Float]]) {
    var job = shortJob()
    (job.model, job.wire, job.allReduce, job.bucket) = ("mlp", wire, "ring", 4096)
    let outcomes = try LocalWorld.run(ranks: ranks) { [job] communicator in
      let assembly = try Assembly(
        job, stored: nil, over: communicator, kernels: KernelSelection.best)
      let losses = try (0..<12).map { step in
        let stepsPerEpoch = assembly.stepsPerEpoch
        let batch = assembly.reader.read(step: step % stepsPerEpoch, epoch: step / stepsPerEpoch)
        let report = try assembly.strategy.step(batch)
        #expect(report.overflows == 0)
        return report.loss / Double(report.samples)
      }
      return (losses, Array(assembly.worker.replica.parameters.values))
    }
    for outcome in outcomes { #expect(outcome.0 == outcomes[0].0) }
    return (outcomes[0].0, outcomes.map(\.1))
  }

  @Test(arguments: ["bfloat16", "float16"]) func staysCloseToFloat32(_ wire: String) throws {
    let exact = try steps("float32", ranks: 3)
    let rounded = try steps(wire, ranks: 3)
    #expect(exact.losses[0] == rounded.losses[0], "losses are not rounded")
    for (one, other) in zip(exact.losses, rounded.losses) {
      #expect(abs(one - other) < 0.02 * one)
    }
    #expect(exact.losses[11] < 0.95 * exact.losses[0], "something was learnt")
    #expect(exact.replicas[0] != rounded.replicas[0], "gradients are rounded")
    for replica in rounded.replicas { #expect(replica == rounded.replicas[0]) }
  }

  @Test func overflowIsReported() throws {
    let folder = try TemporaryFolder()
    var job = shortJob()
    (job.model, job.optimizer, job.wire, job.learningRate) = ("mlp", "sgd", "float16", 1e4)
    job.allReduce = "ring"
    #expect(throws: Divergence.self) {
      try train(job, in: folder("run"), ranks: 2)
    }
    let lines = try log(folder("run"))
    let told = lines.filter { $0.overflows != nil }
    #expect(!told.isEmpty && told.allSatisfy { $0.overflows! > 0 })
    #expect(told.allSatisfy { $0.note!.contains("float16 overflow") })
    #expect(told.allSatisfy { $0.note!.contains("--wire bfloat16") })
  }

  @Test func unknownFormatsAreRefused() throws {
    let folder = try TemporaryFolder()
    var job = shortJob()
    job.wire = "bf16"
    let error = #expect(throws: UnknownName.self) { try train(job, in: folder("run")) }
    #expect(error?.description.contains("bfloat16") == true)
    #expect(folder.contents().isEmpty)
  }
}
