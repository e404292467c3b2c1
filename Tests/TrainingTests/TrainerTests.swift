import Foundation
import Kernels
import Messaging
import Testing

@testable import Training

@Suite struct TrainerTests {
  @Test func aRunLeavesLogCurvesJobAndCheckpoints() throws {
    let folder = try TemporaryFolder()
    let ending = try train(shortJob(), in: folder("run"), ranks: 2)
    #expect(ending.step == 20 && !ending.isStopped)
    #expect(
      folder.contents("run")
        == ["checkpoints", "curves.svg", "job.yaml", "log.jsonl"])
    #expect(
      folder.contents("run/checkpoints")
        == ["latest", "step-00000010.safetensors", "step-00000020.safetensors"])
    let lines = try log(folder("run"))
    #expect(lines.first?.event == .start && lines.first?.ranks == 2)
    #expect(lines.filter { $0.event == .progress }.map(\.step) == Array(1...20))
    #expect(lines.filter { $0.event == .evaluation }.map(\.step) == [10, 20])
    let end = try #require(lines.last)
    #expect(end.event == .end && end.outcome == "done")
    #expect(end.heldOutAccuracy == ending.heldOut?.accuracy)
    #expect(end.heldOutLoss == ending.heldOut?.loss)
    #expect(lines.dropFirst().allSatisfy { $0.seconds != nil })
    #expect(lines.last { $0.event == .progress }?.bytesSent ?? 0 > 20 * 7_850 * 4 / 2)
    #expect(
      try Job(yaml: String(contentsOfFile: folder("run/job.yaml"), encoding: .utf8), path: "")
        == shortJob())
  }

  @Test(arguments: ["linear", "mlp", "cnn", "lenet"], ["sgd", "adam", "adamw"])
  func resumingIsBitIdentical(_ model: String, _ optimizer: String) throws {
    let folder = try TemporaryFolder()
    var job = shortJob()
    (job.model, job.optimizer, job.data) = (model, optimizer, "generated:100,20")
    if optimizer == "sgd" { job.settings = ["momentum": "0.9", "nesterov": "true"] }
    (job.schedule, job.warmup, job.steps, job.checkpointEvery) = ("cosine", "3steps", 8, 3)
    for ranks in [1, 3] {
      let whole = "whole\(ranks)", parts = "parts\(ranks)"
      try train(job, in: folder(whole), ranks: ranks)
      try train(job, in: folder(parts), ranks: ranks)
      // As if killed after step 5 of 8: only the checkpoint of step 3 is there, mid-epoch.
      for name in folder.contents("\(parts)/checkpoints") where !name.contains("00003") {
        try FileManager.default.removeItem(atPath: folder("\(parts)/checkpoints/\(name)"))
      }
      try train(job, in: folder(parts), resume: true, ranks: ranks)
      #expect(try finalCheckpoint(folder(whole)) == finalCheckpoint(folder(parts)))
      let steps = try log(folder(parts)).filter { $0.event == .progress }.map(\.step)
      #expect(steps == Array(1...8), "the log has every step once")
    }
  }

  @Test func equalRunsGiveEqualBytesAndOtherSeedsDoNot() throws {
    let folder = try TemporaryFolder()
    var job = shortJob()
    job.epochs = 1
    try train(job, in: folder("a"), ranks: 2)
    try train(job, in: folder("b"), ranks: 2)
    job.seed = 2
    try train(job, in: folder("c"), ranks: 2)
    #expect(try finalCheckpoint(folder("a")) == finalCheckpoint(folder("b")))
    #expect(try finalCheckpoint(folder("a")) != finalCheckpoint(folder("c")))
  }

  @Test func ranksDoNotChangeTheLosses() throws {
    var losses: [[Double]] = []
    for ranks in [1, 2, 3, 4, 8] {
      let folder = try TemporaryFolder()
      try train(shortJob(), in: folder("run"), ranks: ranks)
      losses.append(
        try log(folder("run")).filter { $0.event == .progress }.compactMap(\.loss))
    }
    for other in losses.dropFirst() {
      #expect(other.count == losses[0].count)
      for (found, expected) in zip(other, losses[0]) {
        #expect(abs(found - expected) < 1e-4 * expected)
      }
    }
  }

  @Test func theNewestFewCheckpointsAreKept() throws {
    let folder = try TemporaryFolder()
    var job = shortJob()
    (job.checkpointEvery, job.keep) = (4, 2)
    try train(job, in: folder("run"))
    #expect(
      folder.contents("run/checkpoints")
        == ["latest", "step-00000016.safetensors", "step-00000020.safetensors"])
    let latest = try FileManager.default.destinationOfSymbolicLink(
      atPath: folder("run/checkpoints/latest"))
    #expect(latest == "step-00000020.safetensors")
  }

  @Test func aDamagedCheckpointFallsBackToTheOneBefore() throws {
    let folder = try TemporaryFolder()
    var job = shortJob()
    job.checkpointEvery = 4
    try train(job, in: folder("run"))
    let expected = try finalCheckpoint(folder("run"))
    let newest = try #require(CheckpointFolder(run: folder("run")).files.last)
    var bytes = expected
    bytes[bytes.count / 2] ^= 0x10
    try bytes.write(to: URL(fileURLWithPath: newest))
    try train(job, in: folder("run"), resume: true, ranks: 1)
    #expect(try finalCheckpoint(folder("run")) == expected)
    let note = try #require(log(folder("run")).last { $0.event == .start }?.note)
    #expect(note.contains("step-00000020") && note.contains("checksum"))
    #expect(note.contains("going on from") && note.contains("step-00000016"))
  }

  @Test func aRunIsNotOverwritten() throws {
    let folder = try TemporaryFolder()
    try train(shortJob(), in: folder("run"))
    let before = try finalCheckpoint(folder("run"))
    #expect(throws: UsageError.self) { try train(shortJob(), in: folder("run"), ranks: 2) }
    #expect(try finalCheckpoint(folder("run")) == before)
  }

  @Test func anotherJobsCheckpointIsRefused() throws {
    let folder = try TemporaryFolder()
    var job = shortJob()
    job.steps = 2
    try train(job, in: folder("run"))
    func refusal(_ change: (inout Job) -> Void) -> String {
      var other = job
      change(&other)
      do {
        try train(other, in: folder("run"), resume: true, ranks: 2)
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(refusal { $0.model = "mlp" }.contains("another model (linear, not mlp)"))
    #expect(refusal { $0.optimizer = "sgd" }.contains("another optimizer"))
    #expect(refusal { $0.seed = 5 }.contains("another seed"))
    #expect(refusal { $0.batch = 16 }.contains("another batch"))
    #expect(refusal { $0.data = "generated:301,60" }.contains("training samples"))
  }

  @Test func aLossThatIsNotANumberStopsEveryRank() throws {
    let folder = try TemporaryFolder()
    var job = shortJob()
    (job.model, job.optimizer, job.learningRate) = ("mlp", "sgd", 1e20)
    (job.checkpointEvery, job.epochs) = (1, 3)
    let error = #expect(throws: Divergence.self) { try train(job, in: folder("run"), ranks: 3) }
    #expect(error.map { "\($0)" }?.contains("last good checkpoint") == true)
    #expect(ExitCode(for: try #require(error)) == .diverged)
    #expect(try log(folder("run")).last?.outcome == "diverged")
    for file in CheckpointFolder(run: folder("run")).files {
      _ = try StoredModel(at: file)
    }
  }

  /// The loss of the last step is fine; its update is not.
  @Test func parametersThatAreNotNumbersPushOutNoCheckpoint() throws {
    let folder = try TemporaryFolder()
    var job = shortJob()
    (job.model, job.steps, job.keep, job.checkpointEvery) = ("mlp", 2, 1, 1)
    try train(job, in: folder("run"), ranks: 2)
    let good = try finalCheckpoint(folder("run"))
    (job.learningRate, job.steps) = (1e38, 3)
    #expect(throws: Divergence.self) {
      try train(job, in: folder("run"), resume: true, ranks: 2)
    }
    #expect(try finalCheckpoint(folder("run")) == good)
    #expect(try log(folder("run")).last?.outcome == "diverged")
  }

  @Test func copiesOfTheDataThatDifferAreNoticed() throws {
    for other in ["generated:310,60", "generated:300,61"] {
      let folder = try TemporaryFolder()
      let messages = try LocalWorld.run(ranks: 3) { communicator -> String in
        var job = shortJob()
        if communicator.rank == 2 { job.data = other }
        do {
          _ = try Trainer(
            job, folder: folder("run"), resume: false, style: .none, over: communicator,
            kernels: KernelSelection.best)
          return "accepted"
        } catch { return ExitCode(for: error) == .badData ? "\(error)" : "another code" }
      }
      #expect(messages[0].contains("ranks have different data"))
      #expect(messages[1...].allSatisfy { $0.contains("SharedFailure") })
    }
  }

  @Test func aFolderBelongsToOneRun() throws {
    let folder = try TemporaryFolder()
    try Data("mine".utf8).write(to: URL(fileURLWithPath: folder("log.jsonl")))
    #expect(throws: UsageError.self) { try train(shortJob(), in: folder.path) }
    #expect(folder.contents() == ["log.jsonl"])
    let held = try RunFolder(folder("run"), resume: false)
    let error = #expect(throws: UsageError.self) { try train(shortJob(), in: folder("run")) }
    #expect(error?.description.contains("in use by another job") == true)
    withExtendedLifetime(held) {}
  }

  @Test func leftoversOfAKilledWriteAreSweptAway() throws {
    let folder = try TemporaryFolder()
    var job = shortJob()
    job.steps = 2
    try train(job, in: folder("run"))
    let leftover = folder("run/checkpoints/.step-00000009.safetensors.partial")
    try Data("half".utf8).write(to: URL(fileURLWithPath: leftover))
    job.steps = 3
    try train(job, in: folder("run"), resume: true)
    #expect(!FileManager.default.fileExists(atPath: leftover))
  }

  @Test func aRunIsNotResumedBeforeItsEnd() throws {
    let folder = try TemporaryFolder()
    var job = shortJob()
    job.steps = 8
    try train(job, in: folder("run"))
    job.steps = 5
    let error = #expect(throws: UsageError.self) {
      try train(job, in: folder("run"), resume: true, ranks: 2)
    }
    #expect(error?.description.contains("at step 8 already") == true)
  }

  @Test func badJobsAreRefusedBeforeAnythingIsWritten() throws {
    let folder = try TemporaryFolder()
    func refusal(ranks: Int = 1, _ change: (inout Job) -> Void) -> (String, ExitCode) {
      var job = shortJob()
      change(&job)
      do {
        try train(job, in: folder("run"), ranks: ranks)
        return ("accepted", .done)
      } catch { return ("\(error)", ExitCode(for: error)) }
    }
    var emptyName = ("accepted", ExitCode.done)
    do { try train(shortJob(), in: "", ranks: 2) } catch {
      emptyName = ("\(error)", ExitCode(for: error))
    }
    let cases: [(String, (String, ExitCode))] = [
      ("--batch 2 is smaller than the 3 ranks", refusal(ranks: 3) { $0.batch = 2 }),
      ("--learning-rate nan", refusal { $0.learningRate = .nan }),
      ("--learning-rate -1", refusal { $0.learningRate = -1 }),
      ("--epochs 0", refusal { $0.epochs = 0 }),
      ("--epochs 9223372036854775807", refusal(ranks: 2) { $0.epochs = .max }),
      ("--steps 9223372036854775807", refusal { $0.steps = .max }),
      ("--clip 1e-50", refusal { $0.clip = 1e-50 }),
      ("--learning-rate 1e+39", refusal { $0.learningRate = 1e39 }),
      (
        "too large",
        refusal {
          $0.learningRate = 1e38; $0.referenceBatch = 1
        }
      ),
      ("--batch", refusal { $0.batch = .max }),
      ("a folder's name", emptyName),
      ("--steps 0", refusal { $0.steps = 0 }),
      ("did you mean 'cnn'", refusal(ranks: 2) { $0.model = "cmn" }),
      ("did you mean 'adam'", refusal { $0.optimizer = "adan" }),
      ("did you mean 'ring'", refusal { $0.allReduce = "rin" }),
      ("did you mean 'sync'", refusal { $0.strategy = "snyc" }),
      ("did you mean 'cosine'", refusal { $0.schedule = "cosin" }),
      (
        "did you mean 'momentum'",
        refusal {
          $0.optimizer = "sgd"; $0.settings = ["momentun": "1"]
        }
      ),
      (
        "momentum=x",
        refusal {
          $0.optimizer = "sgd"; $0.settings = ["momentum": "x"]
        }
      ),
    ]
    for (words, (message, code)) in cases {
      #expect(message.contains(words), "\(message)")
      #expect(code == .usage, "\(message)")
    }
    let missing = refusal { $0.data = "idx:/no/such/folder" }
    #expect(missing.0.contains("/no/such/folder") && missing.1 != .done)
    #expect(folder.contents().isEmpty, "nothing was written")
  }

  @Test func evaluationOfAStoredModelRepeatsTheRunsFigures() throws {
    let folder = try TemporaryFolder()
    let ending = try train(shortJob(), in: folder("run"), ranks: 2)
    for ranks in [1, 3] {
      let figures = try LocalWorld.run(ranks: ranks) { communicator in
        try StoredModel.evaluate(
          at: folder("run"), on: "generated:300,60", over: communicator,
          kernels: KernelSelection.best
        ).figures
      }
      for found in figures {
        #expect(found.accuracy == ending.heldOut?.accuracy)
        #expect(abs(found.loss - ending.heldOut!.loss) < 1e-6)
      }
    }
  }
}
