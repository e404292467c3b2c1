// A run's checkpoints on disk: `step-00001200.safetensors`, the newest few of them, and `latest`,
// a symbolic link to the newest. A resumed run takes the newest one that is whole.

import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// The folder `checkpoints` of a run.
public struct CheckpointFolder {
  /// Its path.
  public let path: String

  /// The checkpoints of the run in `run`.
  public init(run: String) { path = (run as NSString).appendingPathComponent("checkpoints") }

  /// The path for a checkpoint after `step` steps.
  func file(step: Int) -> String {
    let digits = String(step)
    let padded = String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    return (path as NSString).appendingPathComponent("step-\(padded).safetensors")
  }

  /// Checkpoints, oldest first.
  public var files: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.compactMap { name -> (Int, String)? in
      guard name.hasPrefix("step-"), name.hasSuffix(".safetensors"),
        let step = Int(name.dropFirst(5).dropLast(12))
      else { return nil }
      return (step, (path as NSString).appendingPathComponent(name))
    }
    .sorted { $0.0 < $1.0 }.map(\.1)
  }

  /// Stores a checkpoint, then removes those beyond the newest `keep`.
  func store(_ data: Data, step: Int, keep: Int) throws(FileError) {
    try AtomicFile.makeFolder(path)
    let file = file(step: step)
    try AtomicFile.write(data, to: file)
    linkLatest(to: file)
    for old in files.dropLast(keep) where old != file { unlink(old) }
  }

  /// A link is a convenience: some file systems have none, and nothing depends on it.
  private func linkLatest(to file: String) {
    let temporary = (path as NSString).appendingPathComponent(".latest.partial")
    unlink(temporary)
    guard symlink((file as NSString).lastPathComponent, temporary) == 0 else { return }
    rename(temporary, (path as NSString).appendingPathComponent("latest"))
  }

  /// The newest whole checkpoint, and one line for every newer one that is damaged.
  func newestValid() -> (
    checkpoint: (path: String, contents: SafetensorsFile.Contents)?, damaged: [String]
  ) {
    var damaged: [String] = []
    for file in files.reversed() {
      do {
        let contents = try SafetensorsFile.decode(try AtomicFile.read(file), path: file)
        return ((file, contents), damaged)
      } catch { damaged.append("\(error)") }
    }
    return (nil, damaged)
  }
}
