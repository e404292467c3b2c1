import Foundation
import Testing

@testable import Training

/// A checkpoint does not tell who updated what.
@Suite struct ShardedResumeTests {
  private func job(_ optimizer: String, _ update: String) -> Job {
    var job = shortJob()
    (job.model, job.data) = ("mlp", "generated:100,20")
    (job.optimizer, job.update) = (optimizer, update)
    if optimizer == "sgd" { job.settings = ["momentum": "0.9"] }
    (job.steps, job.checkpointEvery, job.bucket) = (6, 3, 40_000)
    return job
  }

  private func checkpoint(_ folder: String, step: Int) throws -> Data {
    try Data(
      contentsOf: URL(fileURLWithPath: CheckpointFolder(run: folder).file(step: step)))
  }

  @Test(arguments: ["sgd", "adam", "adamw"], ["ring", "shared"])
  func shardedAndReplicatedRunsContinueEachOther(_ optimizer: String, _ allReduce: String) throws {
    let folder = try TemporaryFolder()
    func run(_ name: String, _ update: String, ranks: Int, resume: Bool = false) throws -> Data {
      var job = job(optimizer, update)
      job.allReduce = allReduce
      try train(job, in: folder(name), resume: resume, ranks: ranks)
      return try checkpoint(folder(name), step: 6)
    }
    /// As if killed after step 3.
    func half(_ name: String, of whole: String) throws {
      try FileManager.default.copyItem(atPath: folder(whole), toPath: folder(name))
      try FileManager.default.removeItem(
        atPath: CheckpointFolder(run: folder(name)).file(step: 6))
    }
    let expected = try run("replicated", "replicated", ranks: 3)
    #expect(try run("sharded", "sharded", ranks: 3) == expected)
    #expect(
      try checkpoint(folder("sharded"), step: 3) == checkpoint(folder("replicated"), step: 3))
    try half("a", of: "replicated")
    #expect(try run("a", "sharded", ranks: 3, resume: true) == expected)
    try half("b", of: "sharded")
    #expect(try run("b", "replicated", ranks: 3, resume: true) == expected)
    // On other ranks sums have other bits, but not those of who updates.
    try half("c", of: "sharded")
    try half("d", of: "sharded")
    #expect(
      try run("c", "sharded", ranks: 4, resume: true)
        == run("d", "replicated", ranks: 4, resume: true))
  }
}
