// Images as bytes, with one class each: what MNIST, its kin and the generated glyphs are in memory.

import Basics
import Kernels

/// `count` images of unsigned bytes, read as floats byte / 255. Nothing changes after loading, which
/// is why threads may share it.
public final class ByteImages: Dataset, @unchecked Sendable {
  /// Number of images.
  public let count: Int
  /// Height, width, channels.
  public let sampleShape: Shape
  /// Labels are below it.
  public let classes: Int
  /// One class per image.
  public var targetsPerSample: Int { 1 }

  private let pixels: UnsafePointer<UInt8>  // (count, height, width, channels)
  private let labels: UnsafePointer<UInt8>  // (count)
  private let owners: [AnyObject]

  /// Images of extents `shape` = height, width, channels over bytes that `owners` keep alive.
  /// Every label is below `classes`.
  init(
    count: Int, shape: [Int], classes: Int, pixels: UnsafePointer<UInt8>,
    labels: UnsafePointer<UInt8>, owners: [AnyObject]
  ) {
    (self.count, self.classes) = (count, classes)
    sampleShape = Shape(shape)
    (self.pixels, self.labels, self.owners) = (pixels, labels, owners)
  }

  /// Converts the bytes of `indices` to floats. Cost: one pass over the samples; allocates nothing.
  public func read(
    _ indices: UnsafeBufferPointer<Int32>, inputs: UnsafeMutableRawPointer,
    targets: UnsafeMutablePointer<Int32>, context: ReadContext, kernels: KernelTable
  ) {
    let size = sampleShape.count
    let values = inputs.assumingMemoryBound(to: Float.self)
    for place in 0..<indices.count {
      let index = Int(indices[place])
      precondition(index >= 0 && index < count, "there is no sample \(index)")
      kernels.convertBytes(
        size, bytes: pixels + index * size, scale: 1 / 255, offset: 0, y: values + place * size)
      targets[place] = Int32(labels[index])
    }
  }

  /// The stored bytes of one image, row by row, for pictures and tests.
  public func bytes(of index: Int) -> UnsafeBufferPointer<UInt8> {
    precondition(index >= 0 && index < count, "there is no sample \(index)")
    return .init(start: pixels + index * sampleShape.count, count: sampleShape.count)
  }

  /// The class of one image.
  public func label(of index: Int) -> Int {
    precondition(index >= 0 && index < count, "there is no sample \(index)")
    return Int(labels[index])
  }
}
