// Buckets: the ranges in which gradients travel. Backward finishes gradients from the back of the
// buffer to its front, so bucket 0 is the last one in memory and the first on its way.

import Basics
import Messaging

/// The cut of a flat gradient buffer into buckets.
public struct BucketPlan: Sendable, Equatable {
  /// Ranges from the back to the front; together they cover the buffer, gaps and tally included.
  public let ranges: [Range<Int>]

  /// Most buckets that there are, the tail aside: buckets that are under way at the same time need
  /// fences of their own.
  static let most = sharedSegmentChannels - 4

  /// Cuts at tensor boundaries into buckets of at least `bytes` (the front one may be smaller), and
  /// of more where there would be more than `most`.
  ///
  /// - Parameters:
  ///   - count: length of the buffer, tally included.
  ///   - bytes: a bucket is closed once it holds this many.
  ///   - tailApart: whether what lies behind the trained parameters is a bucket of its own, the first.
  public init(layout: ParameterLayout, count: Int, bytes: Int, tailApart: Bool = false) {
    let bytes = max(bytes, (count * MemoryLayout<Float>.stride + Self.most - 1) / Self.most)
    let tail = layout.trained.upperBound
    var ranges: [Range<Int>] = tailApart ? [tail..<count] : []
    var end = tailApart ? tail : count
    for tensor in layout.tensors.reversed() where tensor.range.lowerBound < end {
      let start = tensor.range.lowerBound
      if (end - start) * MemoryLayout<Float>.stride >= bytes {
        ranges.append(start..<end)
        end = start
      }
    }
    if end > 0 { ranges.append(0..<end) }
    self.ranges = ranges
  }
}
