// What `auto` decides, and that a run stays with it.

import Foundation
import Testing

@testable import Training

@Suite struct TuningTests {
  private func job() -> Job {
    var job = shortJob()
    (job.allReduce, job.bucket) = ("auto", nil)
    (job.steps, job.checkpointEvery) = (6, 3)
    return job
  }

  @Test func onOneNodeNothingIsMeasuredAndEqualRunsAreEqual() throws {
    let folder = try TemporaryFolder()
    for run in ["a", "b"] { try train(job(), in: folder(run), ranks: 3) }
    #expect(try Tuning.stored(inRun: folder("a")) == nil)
    #expect(try finalCheckpoint(folder("a")) == finalCheckpoint(folder("b")))
    var other = job()
    other.bucket = 4096
    try train(other, in: folder("c"), ranks: 3)
    #expect(try finalCheckpoint(folder("a")) == finalCheckpoint(folder("c")))
  }

  @Test func onSeveralNodesAResumedRunStaysWithItsChoices() throws {
    let folder = try TemporaryFolder()
    let run = folder("run")
    try train(job(), in: run, ranks: 4, ranksPerNode: 2)
    let tuning = try #require(try Tuning.stored(inRun: run))
    #expect(tuning.nodes == [0, 0, 1, 1] && !tuning.choices.isEmpty)
    #expect(tuning.choices.allSatisfy { $0.algorithm != "shared" })
    let whole = try finalCheckpoint(run)
    for name in folder.contents("run/checkpoints") where !name.contains("00003") {
      try FileManager.default.removeItem(atPath: folder("run/checkpoints/\(name)"))
    }
    try train(job(), in: run, resume: true, ranks: 4, ranksPerNode: 2)
    #expect(try Tuning.stored(inRun: run) == tuning)
    #expect(try finalCheckpoint(run) == whole)
  }
}
