// Some samples of a data set as a data set of their own: the halves of a single file. What reads the
// file need not know that it is divided.

import Basics
import Kernels

/// The samples `rows` of another data set, which must not depend on a sample's number for what it
/// looks like.
final class Subset: Dataset {
  private let whole: any Dataset
  private let rows: [Int32]

  var count: Int { rows.count }
  var sampleShape: Shape { whole.sampleShape }
  var targets: TargetKind { whole.targets }
  var classes: Int { whole.classes }
  var targetsPerSample: Int { whole.targetsPerSample }
  var indexCounts: [Int] { whole.indexCounts }
  var coding: DataCoding { whole.coding }

  /// - Parameter rows: numbers of samples of `whole`, each below its count.
  init(_ whole: any Dataset, _ rows: [Int32]) { (self.whole, self.rows) = (whole, rows) }

  func recoded(in coding: DataCoding) -> (any Dataset)? {
    whole.recoded(in: coding).map { Subset($0, rows) }
  }

  /// Indices translated at a time: so few lie on the stack.
  private static let piece = 128

  func read(
    _ indices: UnsafeBufferPointer<Int32>, inputs: UnsafeMutableRawPointer,
    targets: UnsafeMutablePointer<Int32>, context: ReadContext, kernels: KernelTable
  ) {
    let bytes = sampleShape.bytesPerSample, width = targetsPerSample
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: Self.piece) { numbers in
      for first in stride(from: 0, to: indices.count, by: Self.piece) {
        let count = min(Self.piece, indices.count - first)
        for place in 0..<count { numbers[place] = rows[Int(indices[first + place])] }
        whole.read(
          UnsafeBufferPointer(rebasing: numbers[..<count]), inputs: inputs + first * bytes,
          targets: targets + first * width, context: context, kernels: kernels)
      }
    }
  }
}

extension HeldOutSplit {
  /// Both halves of a file's samples.
  func halves(of whole: any Dataset) -> DatasetPair {
    DatasetPair(training: Subset(whole, training), heldOut: Subset(whole, heldOut))
  }
}
