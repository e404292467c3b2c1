import Foundation
import Layers
import Testing

@testable import Training

/// With lanes a run's files do not tell how many ranks made them. (benchmarks/lanes.sh shows the same
/// under mpirun, with more steps.)
@Suite struct LaneResumeTests {
  private func job(_ model: String, _ optimizer: String, _ update: String) -> Job {
    var job = shortJob()
    (job.model, job.data) = (model, "generated:100,20")
    if model == Job.customModel { job.layers = Self.normalised }
    (job.optimizer, job.update, job.lanes) = (optimizer, update, 8)
    job.allReduce = "auto"
    if optimizer == "sgd" { job.settings = ["momentum": "0.9"] }
    // The last step of an epoch has 4 samples, fewer than lanes.
    (job.steps, job.checkpointEvery) = (10, 4)
    return job
  }

  /// Batches normalised lane by lane, statistics that follow all lanes.
  private static let normalised = [
    LayerDescription("convolution", settings: ["channels": "4", "stride": "2", "bias": "false"]),
    LayerDescription("batch-normalisation"),
    LayerDescription("relu"),
    LayerDescription(
      "residual", settings: ["activation": "relu"],
      parts: [
        "main": [
          LayerDescription("convolution", settings: ["channels": "4", "padding": "1"]),
          LayerDescription("batch-normalisation"),
        ]
      ]),
    LayerDescription("global-average-pooling"),
    LayerDescription("dense", settings: ["features": "10"]),
  ]

  private func checkpoint(_ folder: String, step: Int) throws -> Data {
    try Data(
      contentsOf: URL(fileURLWithPath: CheckpointFolder(run: folder).file(step: step)))
  }

  @Test(arguments: ["mlp", "cnn", Job.customModel], ["sgd", "adam"])
  func checkpointsAreEqualOnAnyRanks(_ model: String, _ optimizer: String) throws {
    let folder = try TemporaryFolder()
    try train(job(model, optimizer, "replicated"), in: folder("one"))
    let expected = try checkpoint(folder("one"), step: 10)
    for (ranks, update) in [
      (2, "replicated"), (3, "sharded"), (5, "replicated"), (8, "replicated"), (8, "sharded"),
    ] {
      let run = folder("\(update)\(ranks)")
      try train(job(model, optimizer, update), in: run, ranks: ranks)
      let isEqual = try checkpoint(run, step: 10) == expected
      #expect(isEqual, "\(ranks) ranks, \(update)")
    }
  }

  /// Dropout's masks and a generator's noise do not tell either.
  @Test(arguments: [
    ("gpt", ["length": "12", "width": "16", "layers": "2", "heads": "2", "dropout": "0.3"]),
    ("lstm", ["length": "12", "width": "16", "dropout": "0.3"]),
    ("gan", ["width": "4", "noise": "5"]),
  ])
  func whatIsDrawnIsEqualOnAnyRanks(_ model: String, _ settings: [String: String]) throws {
    let folder = try TemporaryFolder()
    let text = (0..<600).map { Array("abcdefg ")[$0 * $0 % 57 % 8] }
    try Data(String(text).utf8).write(to: URL(fileURLWithPath: folder("text.txt")))
    var job = job(model, "adam", "replicated")
    job.data = model == "gan" ? "generated:40,8" : "text:\(folder("text.txt"))"
    (job.settings, job.batch, job.lanes) = (settings, 12, 4)
    job.steps = 5
    try train(job, in: folder("one"))
    let expected = try finalCheckpoint(folder("one"))
    for ranks in [2, 3] {
      try train(job, in: folder("\(ranks)"), ranks: ranks)
      #expect(try finalCheckpoint(folder("\(ranks)")) == expected, "\(ranks) ranks")
    }
  }

  /// A run shrinks and grows on its way.
  @Test func resumedOnOtherRanksTheRunIsTheSame() throws {
    let folder = try TemporaryFolder()
    try train(job("mlp", "adam", "replicated"), in: folder("whole"), ranks: 2)
    let expected = try checkpoint(folder("whole"), step: 10)
    var job = job("mlp", "adam", "sharded")
    job.steps = 4
    try train(job, in: folder("parts"), ranks: 5)
    (job.steps, job.update) = (8, "replicated")
    try train(job, in: folder("parts"), resume: true, ranks: 1)
    (job.steps, job.update) = (10, "sharded")
    try train(job, in: folder("parts"), resume: true, ranks: 8)
    #expect(try checkpoint(folder("parts"), step: 10) == expected)
  }

  @Test func anotherNumberOfLanesIsRefused() throws {
    let folder = try TemporaryFolder()
    let job = job("linear", "adam", "replicated")
    try train(job, in: folder("run"), ranks: 2)
    for (lanes, words) in [(4, "(8, not 4)"), (nil, "(8, not one per rank)")] {
      var other = job
      other.lanes = lanes
      let error = #expect(throws: CheckpointError.self) {
        try train(other, in: folder("run"), resume: true, ranks: 2)
      }
      #expect(error?.description.contains("made with another number of lanes \(words)") == true)
    }
  }

  @Test func whatWouldDoNothingIsRefused() throws {
    let folder = try TemporaryFolder()
    func refusal(ranks: Int, _ change: (inout Job) -> Void) -> String {
      var job = job("linear", "adam", "replicated")
      change(&job)
      do {
        try train(job, in: folder("run"), ranks: ranks)
        return "accepted"
      } catch { return ExitCode(for: error) == .usage ? "\(error)" : "another code: \(error)" }
    }
    let cases: [(String, String)] = [
      ("--lanes 0", refusal(ranks: 1) { $0.lanes = 0 }),
      ("--lanes 2 is fewer than the 3 ranks", refusal(ranks: 3) { $0.lanes = 2 }),
      ("--lanes 33 is more than --batch 32", refusal(ranks: 1) { $0.lanes = 33 }),
      ("not by --all-reduce ring", refusal(ranks: 2) { $0.allReduce = "ring" }),
      ("with --wire bfloat16", refusal(ranks: 2) { $0.wire = "bfloat16" }),
      ("--lanes 8: --strategy local-sgd", refusal(ranks: 2) { $0.strategy = "local-sgd" }),
      (
        "--update sharded: --strategy local-sgd",
        refusal(ranks: 2) {
          $0.strategy = "local-sgd"
          ($0.lanes, $0.update) = (nil, "sharded")
        }
      ),
      (
        "--wire float16: --strategy local-sgd",
        refusal(ranks: 2) {
          ($0.strategy, $0.lanes, $0.wire) = ("local-sgd", nil, "float16")
        }
      ),
      (
        "--all-reduce ring: with --strategy async",
        refusal(ranks: 3) {
          ($0.strategy, $0.lanes, $0.allReduce) = ("async", nil, "ring")
        }
      ),
      (
        "--bucket 4096: with --strategy async",
        refusal(ranks: 3) {
          ($0.strategy, $0.lanes, $0.bucket) = ("async", nil, 4096)
        }
      ),
      ("did you mean 'sharded'?", refusal(ranks: 2) { $0.update = "sharde" }),
    ]
    for (words, message) in cases { #expect(message.contains(words), "\(message)") }
    #expect(folder.contents().isEmpty, "nothing was written")
  }
}
