// What an optimizer keeps from step to step. A rank that updates a part of the parameters keeps the
// state of that part and of no other: sharding the update is what divides this memory by the ranks.

import Basics
import Kernels

/// An optimizer's vectors for the parameters `range`.
///
/// Memory: `range.count` floats per slot, whatever the length of the parameters.
public struct OptimizerState {
  /// The parameters it belongs to, as flat indices.
  public let range: Range<Int>
  /// One vector per slot; element 0 belongs to parameter `range.lowerBound`.
  public let slots: [FloatBuffer]

  /// State for `range`, all zero, in so many slots.
  public init(of range: Range<Int>, slots: Int) {
    self.range = range
    self.slots = (0..<slots).map { _ in FloatBuffer(count: range.count) }
  }

  /// The values of a slot for parameters `part`, which lie within `range`.
  public func values(_ slot: Int, _ part: Range<Int>) -> FloatsOut {
    precondition(
      part.lowerBound >= range.lowerBound && part.upperBound <= range.upperBound,
      "no state is kept for these parameters")
    return slots[slot].pointer + (part.lowerBound - range.lowerBound)
  }
}
