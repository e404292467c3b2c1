// A folder that holds a data set in IDX: four files by MNIST's names, plain or compressed.

import Basics
import SystemPackage

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Opens folders of four IDX files: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
/// `t10k-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`, also with a dot before `idx`, each plain
/// (preferred: it is mapped, not inflated) or with `.gz`.
public enum IDXFolder {
  /// Reads both halves.
  ///
  /// - Parameter classes: what labels must be below; by default the largest label of both halves
  ///   plus one, at least 2.
  /// - Throws: `DataError` for files that are missing, malformed or do not belong together.
  public static func open(_ folder: String, classes: Int? = nil) throws(DataError) -> DatasetPair {
    let training = try Half(folder, "train"), heldOut = try Half(folder, "t10k")
    guard training.shape == heldOut.shape else {
      throw DataError(
        path: heldOut.images.path,
        problem: "images of \(text(heldOut.shape)) where the training images are "
          + text(training.shape))
    }
    let found = max(training.largestLabel, heldOut.largestLabel) + 1
    if let classes {
      for half in [training, heldOut] where half.largestLabel >= classes {
        throw DataError(
          path: half.labels.path,
          problem: "label \(half.largestLabel) where labels must be below \(classes)")
      }
    }
    let count = classes ?? max(2, found)
    return DatasetPair(
      training: training.dataset(classes: count), heldOut: heldOut.dataset(classes: count))
  }

  private static func text(_ shape: [Int]) -> String {
    shape.map(String.init).joined(separator: "x")
  }

  /// Images and labels of the same samples.
  private struct Half {
    let images, labels: IDXFile
    let largestLabel: Int

    /// Height, width, channels.
    var shape: [Int] { Array(images.dimensions[1...]) + [1] }

    init(_ folder: String, _ prefix: String) throws(DataError) {
      images = try IDXFile(path: find(folder, prefix + "-images", "idx3-ubyte"), content: .images)
      labels = try IDXFile(path: find(folder, prefix + "-labels", "idx1-ubyte"), content: .labels)
      let count = labels.dimensions[0]
      guard images.dimensions[0] == count else {
        throw DataError(
          path: labels.path,
          problem: "\(grouped(count)) labels for \(grouped(images.dimensions[0])) images")
      }
      guard count <= mostSamples else {
        throw DataError(path: labels.path, problem: tooMany())
      }
      largestLabel = Int(UnsafeBufferPointer(start: labels.entries, count: count).max() ?? 0)
    }

    func dataset(classes: Int) -> ByteImages {
      ByteImages(
        count: images.dimensions[0], shape: shape, classes: classes, pixels: images.entries,
        labels: labels.entries, owners: [images, labels])
    }
  }

  private static func find(
    _ folder: String, _ name: String, _ kind: String
  ) throws(DataError) -> String {
    let root = FilePath(folder)
    for candidate in ["\(name)-\(kind)", "\(name).\(kind)"] {
      for suffix in ["", ".gz"] {
        let path = root.appending(candidate + suffix).string
        if access(path, F_OK) == 0 { return path }
      }
    }
    guard access(folder, F_OK) == 0 else {
      throw DataError(path: folder, problem: "no such folder")
    }
    throw DataError(
      path: folder, problem: "holds no \(name)-\(kind) and no \(name)-\(kind).gz")
  }
}
