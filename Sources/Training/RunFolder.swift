// A run's folder belongs to one run, and to one job at a time.

import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// The folder of a run, held by this process.
public final class RunFolder {
  /// Its path.
  public let path: String
  private let lock: Int32

  /// Files that say that a folder is a run's.
  private static let marks = ["job.yaml", "log.jsonl", "checkpoints"]

  /// Whether there is a run in the folder.
  public static func holdsRun(_ path: String) -> Bool {
    marks.contains { access((path as NSString).appendingPathComponent($0), F_OK) == 0 }
  }

  /// `runs/MODEL-DATA-STRATEGY-NUMBER`, with the first number that is free; made, so that it is nobody
  /// else's.
  static func fresh(for job: Job) throws -> String {
    let name = [job.model, String(job.data.prefix { $0 != ":" }), job.strategy]
      .joined(separator: "-").replacingOccurrences(of: "/", with: "-")
    try AtomicFile.makeFolder("runs")
    var number = 1
    while true {
      let path = "runs/\(name)-\(number)"
      if mkdir(path, 0o777) == 0 { return path }
      guard errno == EEXIST else { throw FileError("make the folder", path, errno) }
      number += 1
    }
  }

  /// Takes the folder, made if missing, until this object goes.
  ///
  /// - Throws: `UsageError` where it holds a run that is not to be resumed, or a job is at work.
  init(_ path: String, resume: Bool) throws {
    guard !path.isEmpty else { throw UsageError("--run: a folder's name is needed") }
    if !resume && Self.holdsRun(path) {
      throw UsageError(
        "\(path) holds a run already: add --resume to go on with it, or give another --run folder")
    }
    try AtomicFile.makeFolder(path)
    lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard lock >= 0 else { throw FileError("open", path, errno) }
    // Some network file systems know no locks: then two jobs at once are the user's to avoid.
    if flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK {
      throw UsageError("\(path) is in use by another job: wait for its end, or give another folder")
    }
    self.path = path
    // What a job that was killed while writing has left.
    for folder in [path, self("checkpoints")] {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      where name.hasPrefix(".") && name.hasSuffix(".partial") {
        unlink((folder as NSString).appendingPathComponent(name))
      }
    }
  }

  deinit { close(lock) }

  /// The path of something within.
  func callAsFunction(_ name: String) -> String { (path as NSString).appendingPathComponent(name) }
}
