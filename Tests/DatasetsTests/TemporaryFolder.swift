// What the tests of file formats share: a folder that vanishes, and writers of small IDX files.

import CZlib
import Foundation

/// A folder that is removed with the value.
final class TemporaryFolder {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("datasets-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file and returns its path.
  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = path + "/" + name
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }
}

/// An IDX file of unsigned bytes.
func idx(_ dimensions: [Int], _ entries: [UInt8]) -> [UInt8] {
  [0, 0, 8, UInt8(dimensions.count)]
    + dimensions.flatMap { extent in [24, 16, 8, 0].map { UInt8(extent >> $0 & 255) } } + entries
}

/// One gzip member.
func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
  let name = NSTemporaryDirectory() + "/\(UUID().uuidString).gz"
  defer { try? FileManager.default.removeItem(atPath: name) }
  let file = gzopen(name, "wb")
  bytes.withUnsafeBytes { _ = gzwrite(file, $0.baseAddress, UInt32($0.count)) }
  gzclose(file)
  return [UInt8](try Data(contentsOf: URL(fileURLWithPath: name)))
}

/// The four files of a small data set, 2 x 3 pixels, by their usual names.
struct SmallSet {
  var files: [String: [UInt8]]
  static let names = [
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
  ]

  /// Pixel p of sample i is i * 6 + p; labels count 0, 1, ..., classes - 1, 0, ...
  init(training: Int = 7, heldOut: Int = 4, classes: Int = 3) {
    files = [:]
    for (prefix, count) in [("train", training), ("t10k", heldOut)] {
      files[prefix + "-images-idx3-ubyte"] = idx(
        [count, 2, 3], (0..<count * 6).map { UInt8($0 & 255) })
      files[prefix + "-labels-idx1-ubyte"] = idx([count], (0..<count).map { UInt8($0 % classes) })
    }
  }

  func write(to folder: TemporaryFolder, rename: (String) -> String = { $0 }) throws {
    for (name, bytes) in files {
      let name = rename(name)
      try folder.write(name, name.hasSuffix(".gz") ? gzip(bytes) : bytes)
    }
  }
}
