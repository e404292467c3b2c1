// Samples that are slices of a numeric array along its first axis, each with one target.

import Basics
import Kernels

/// One half of a data set of arrays.
final class ArraySamples: Dataset {
  let count: Int
  let sampleShape: Shape
  let classes: Int
  let targets: TargetKind
  var targetsPerSample: Int { 1 }

  private let inputs: NumericArray
  private let rowTargets: [Int32]
  private let scale: Float
  /// 1, or the number of channels where the array has them outermost: planes of a sample.
  private let planes: Int

  /// All samples of `inputs`, each with its target.
  ///
  /// - Parameter channelsFirst: a sample is (channels, height, width) in the array.
  init(
    _ inputs: NumericArray, targets rowTargets: [Int32], kind: TargetKind, classes: Int,
    scale: Float, channelsFirst: Bool
  ) {
    (self.inputs, self.rowTargets) = (inputs, rowTargets)
    (targets, self.classes, self.scale) = (kind, classes, scale)
    let extents = Array(inputs.shape[1...])
    let isImage = extents.count == 3
    planes = isImage && channelsFirst ? extents[0] : 1
    sampleShape =
      switch extents.count {
      case 2: Shape(extents + [1])
      case 3 where channelsFirst: Shape([extents[1], extents[2], extents[0]])
      default: Shape(extents)
      }
    count = rowTargets.count
  }

  /// Converts samples, channels innermost.
  func read(
    _ indices: UnsafeBufferPointer<Int32>, inputs target: UnsafeMutableRawPointer,
    targets: UnsafeMutablePointer<Int32>, context: ReadContext, kernels: KernelTable
  ) {
    let size = sampleShape.count, plane = size / planes
    let samples = target.assumingMemoryBound(to: Float.self)
    for (place, index) in indices.enumerated() {
      let row = Int(index)
      targets[place] = rowTargets[row]
      for channel in 0..<planes {
        inputs.copyFloats(
          from: row * size + channel * plane, count: plane, scale: scale,
          to: samples + place * size + channel, stride: planes)
      }
    }
  }
}
