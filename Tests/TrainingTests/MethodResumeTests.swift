import Foundation
import Kernels
import Messaging
import Testing

@testable import Training

/// Runs of methods whose ranks differ: checkpoints hold what each of them needs.
@Suite struct MethodResumeTests {
  private func job(_ strategy: String, _ settings: [String: String]) -> Job {
    var job = shortJob()
    (job.model, job.data, job.strategy, job.settings) = (
      "linear", "generated:100,20", strategy, settings
    )
    (job.schedule, job.warmup, job.steps, job.checkpointEvery) = ("cosine", "3steps", 11, 3)
    (job.keep, job.allReduce, job.bucket) = (20, "auto", nil)
    return job
  }

  private func bytes(_ folder: String, step: Int) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: CheckpointFolder(run: folder).file(step: step)))
  }

  /// As if killed after `step`: later checkpoints are not there.
  private func forget(_ folder: TemporaryFolder, _ run: String, after step: Int) throws {
    for name in folder.contents("\(run)/checkpoints") {
      guard let number = Int(name.dropFirst(5).prefix(8)), number > step else { continue }
      try FileManager.default.removeItem(atPath: folder("\(run)/checkpoints/\(name)"))
    }
  }

  /// With tau = 4 the checkpoints lie in the middle of blocks and between them: 3, 6, 8, 9.
  @Test(
    arguments: [
      ("local-sgd", ["tau": "4"], 1), ("local-sgd", ["tau": "4"], 3), ("local-sgd", [:], 2),
      ("async", [:], 1), ("async", [:], 2), ("async", ["order": "round-robin"], 4),
    ], ["sgd", "adam"])
  func resumingIsBitIdentical(
    _ method: (name: String, settings: [String: String], ranks: Int), _ optimizer: String
  ) throws {
    let folder = try TemporaryFolder()
    var job = job(method.name, method.settings)
    job.optimizer = optimizer
    if optimizer == "sgd" { job.settings["momentum"] = "0.9" }
    try train(job, in: folder("run"), ranks: method.ranks)
    let expected = try bytes(folder("run"), step: 11)
    for step in [9, 6, 3] {
      try forget(folder, "run", after: step)
      try train(job, in: folder("run"), resume: true, ranks: method.ranks)
      #expect(try bytes(folder("run"), step: 11) == expected, "resumed at step \(step)")
    }
  }

  /// The model in the file is the mean that was evaluated, not rank 0's replica.
  @Test func aCheckpointInTheMiddleOfABlockHoldsTheMean() throws {
    let folder = try TemporaryFolder()
    let ending = try train(job("local-sgd", ["tau": "8"]), in: folder("run"), ranks: 3)
    let figures = try LocalWorld.run(ranks: 1) { communicator in
      try StoredModel.evaluate(
        at: folder("run"), on: "generated:100,20", over: communicator,
        kernels: KernelSelection.best
      ).figures
    }[0]
    #expect(abs(figures.loss - (ending.heldOut?.loss ?? 0)) < 1e-6)
  }

  @Test(arguments: [2, 4]) func anotherNumberOfRanksIsRefused(_ ranks: Int) throws {
    let folder = try TemporaryFolder()
    for (strategy, settings) in [("local-sgd", [:]), ("async", ["order": "round-robin"])] {
      var job = job(strategy, settings)
      job.steps = 3
      try train(job, in: folder(strategy), ranks: 3)
      job.steps = 5
      let error = #expect(throws: CheckpointError.self) {
        try train(job, in: folder(strategy), resume: true, ranks: ranks)
      }
      #expect(error?.description.contains("made by 3 ranks") == true)
      try train(job, in: folder(strategy), resume: true, ranks: 3)
    }
  }

  @Test func inTheOrderOfArrivalARunGoesOnWithAnyNumberOfRanks() throws {
    let folder = try TemporaryFolder()
    var job = job("async", [:])
    for (steps, ranks) in [(4, 4), (7, 2), (11, 3)] {
      job.steps = steps
      let ending = try train(job, in: folder("run"), resume: true, ranks: ranks)
      #expect(ending.step == steps && ending.heldOut?.loss.isFinite == true)
    }
    let steps = try log(folder("run")).filter { $0.event == .progress }.map(\.step)
    #expect(steps == Array(1...11))
  }

  @Test(arguments: ["local-sgd", "async"]) func divergenceEndsAllRanks(_ strategy: String) throws {
    let folder = try TemporaryFolder()
    var job = job(strategy, [:])
    (job.model, job.optimizer, job.learningRate, job.steps) = ("mlp", "sgd", 1e30, 400)
    (job.warmup, job.schedule, job.logEvery) = ("0", "constant", 7)
    #expect(throws: Divergence.self) { try train(job, in: folder("run"), ranks: 4) }
    #expect(try log(folder("run")).last?.outcome == "diverged")
  }
}
