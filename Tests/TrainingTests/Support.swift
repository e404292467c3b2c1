// What the tests of training share: folders that go away, and short jobs.

import Foundation
import Kernels
import Messaging
import Testing
import Training

/// A folder that lives as long as this object.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory.appendingPathComponent(
        "apus-test-\(UUID().uuidString)"
      ).path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of something within.
  func callAsFunction(_ name: String) -> String { (path as NSString).appendingPathComponent(name) }

  /// Names of everything in a folder within, hidden files too.
  func contents(_ name: String = "") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: self(name))) ?? []).sorted()
  }
}

/// A job that takes a moment: 300 generated samples. Its sums do not hang on a measurement: runs of
/// their own must be comparable.
func shortJob() -> Job {
  var job = Job()
  (job.model, job.data) = ("linear", "generated:300,60")
  (job.batch, job.epochs) = (32, 2)
  (job.allReduce, job.bucket) = ("ring", 1 << 20)
  return job
}

/// Trains on so many ranks; returns rank 0's ending, or throws what the explaining rank throws.
/// All ranks must end alike.
@discardableResult
func train(
  _ job: Job, in folder: String, resume: Bool = false, ranks: Int = 1, ranksPerNode: Int? = nil
) throws -> Ending {
  let outcomes = try LocalWorld.run(ranks: ranks, ranksPerNode: ranksPerNode) { communicator in
    Result {
      try Trainer(
        job, folder: folder, resume: resume, style: .none, over: communicator,
        kernels: KernelSelection.best
      ).run()
    }
  }
  let failures = outcomes.compactMap { outcome -> (any Error)? in
    if case .failure(let error) = outcome { error } else { nil }
  }
  guard let first = failures.first else { return try outcomes[0].get() }
  #expect(failures.count == ranks, "an error ends all ranks")
  #expect(Set(failures.map { ExitCode(for: $0) }).count == 1, "with one exit code")
  let explanations = failures.filter { !($0 is SharedFailure) }
  #expect(explanations.count == 1, "one rank explains")
  throw explanations.first ?? first
}

/// The bytes of a run's newest checkpoint.
func finalCheckpoint(_ folder: String) throws -> Data {
  try Data(contentsOf: URL(fileURLWithPath: #require(CheckpointFolder(run: folder).files.last)))
}

/// The lines of a run's log.
func log(_ folder: String) throws -> [LogLine] {
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  return try String(contentsOfFile: folder + "/log.jsonl", encoding: .utf8)
    .split(separator: "\n").map { try decoder.decode(LogLine.self, from: Data($0.utf8)) }
}
