// Buckets: the ranges in which gradients travel. Backward finishes gradients from the back of the
// buffer to its front, so bucket 0 is the last one in memory and the first on its way.

import Basics

/// The cut of a flat gradient buffer into buckets.
public struct BucketPlan: Sendable, Equatable {
  /// Ranges from the back to the front; together they cover the buffer, gaps and tally included.
  public let ranges: [Range<Int>]

  /// Cuts at tensor boundaries into buckets of at least `bytes` (the front one may be smaller).
  ///
  /// - Parameters:
  ///   - count: length of the buffer, tally included.
  ///   - bytes: a bucket is closed once it holds this many.
  ///   - tailApart: whether what lies behind the parameters is a bucket of its own, the first.
  public init(layout: ParameterLayout, count: Int, bytes: Int, tailApart: Bool = false) {
    var ranges: [Range<Int>] = tailApart ? [layout.count..<count] : []
    var end = tailApart ? layout.count : count
    for tensor in layout.tensors.reversed() {
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
