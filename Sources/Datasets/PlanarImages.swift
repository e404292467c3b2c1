// Square colour pictures as CIFAR-10's binary form has them: records of a label and three planes of
// bytes, mapped where they lie. Reading turns them to channels-innermost floats, distorted if they
// are for training. Every float comes from a table, so it is the same on all processors. Cost: about
// 1 ns a value.

import Basics
import Kernels

/// Records of a label byte and the red, green and blue plane of a picture.
final class PlanarImages: Dataset, @unchecked Sendable {
  let count: Int
  let sampleShape: Shape
  let classes: Int
  var targetsPerSample: Int { 1 }

  private let side: Int
  private let files: [RecordFile]
  private let tables: [[Float]]  // (channels, 256)
  /// Black pixels around a picture from which windows are cut; nil: pictures as they are.
  private let margin: Int?

  /// One file's records.
  struct RecordFile {
    let store: ByteStore
    let size: Int
    var count: Int { store.bytes.count / size }
    /// The label of a record, and behind it the planes.
    func record(_ index: Int) -> UnsafePointer<UInt8> {
      store.bytes.assumingMemoryBound(to: UInt8.self).baseAddress! + index * size
    }
  }

  /// Pictures of `side` by `side` pixels.
  ///
  /// - Parameters:
  ///   - tables: the float that each byte of a channel becomes.
  ///   - margin: of the augmentation, if there is one.
  init(_ files: [RecordFile], side: Int, classes: Int, tables: [[Float]], margin: Int?) {
    (self.files, self.side, self.classes) = (files, side, classes)
    (self.tables, self.margin) = (tables, margin)
    sampleShape = Shape([side, side, tables.count])
    count = files.reduce(0) { $0 + $1.count }
  }

  /// Converts the pictures `indices`. With a seed in the context, those for training are cut and
  /// mirrored first: margins are black pixels, normalised like all others.
  func read(
    _ indices: UnsafeBufferPointer<Int32>, inputs: UnsafeMutableRawPointer,
    targets: UnsafeMutablePointer<Int32>, context: ReadContext, kernels: KernelTable
  ) {
    let samples = inputs.assumingMemoryBound(to: Float.self)
    for (place, index) in indices.enumerated() {
      let record = self.record(Int(index))
      targets[place] = Int32(record[0])
      let window =
        margin.map { CropAndFlip(of: Int(index), margin: $0, in: context) } ?? CropAndFlip()
      for (channel, table) in tables.enumerated() {
        table.withUnsafeBufferPointer {
          copy(
            record + 1 + channel * side * side, window, $0.baseAddress!,
            to: samples + place * sampleShape.count + channel)
        }
      }
    }
  }

  private func record(_ index: Int) -> UnsafePointer<UInt8> {
    precondition(index >= 0 && index < count, "there is no sample \(index)")
    var rest = index
    for file in files {
      if rest < file.count { return file.record(rest) }
      rest -= file.count
    }
    preconditionFailure("there is no sample \(index)")
  }

  /// Writes the window of one plane to every `channels`-th float from `target` on.
  private func copy(
    _ plane: UnsafePointer<UInt8>, _ window: CropAndFlip, _ table: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>
  ) {
    let channels = tables.count, left = window.left
    // Column c of the result is column first + step * c of the plane, where there is one.
    let (first, step) = window.isFlipped ? (left + side - 1, -1) : (left, 1)
    let shift = window.isFlipped ? -left : left
    let inside = max(0, -shift)..<min(side, side - shift)
    var place = target
    func blacken(_ count: Int) {
      for _ in 0..<count {
        place.pointee = table[0]
        place += channels
      }
    }
    for row in window.top..<window.top + side {
      guard (0..<side).contains(row) else {
        blacken(side)
        continue
      }
      blacken(inside.lowerBound)
      var pixel = plane + row * side + first + step * inside.lowerBound
      for _ in inside {
        place.pointee = table[Int(pixel.pointee)]
        place += channels
        pixel += step
      }
      blacken(side - inside.upperBound)
    }
  }
}
