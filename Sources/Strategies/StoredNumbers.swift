// Counts that a method keeps from step to step, in the one form that checkpoints know: floats. A
// float holds 24 bits exactly, so a number is two of them.

import Basics

/// Whole numbers from 0 to below 2^48 in a float buffer.
final class StoredNumbers {
  /// What a checkpoint holds: two floats per number, the upper half first.
  let buffer: FloatBuffer

  /// So many zeros.
  init(_ count: Int) { buffer = FloatBuffer(count: 2 * count) }

  /// One number. Floats that no number was written to (a checkpoint made by hand) read as 0.
  subscript(index: Int) -> Int {
    get { (half(2 * index) << 24) + half(2 * index + 1) }
    set {
      precondition(newValue >= 0 && newValue < 1 << 48, "numbers from 0 to below 2^48 are stored")
      buffer[2 * index] = Float(newValue >> 24)
      buffer[2 * index + 1] = Float(newValue & (1 << 24 - 1))
    }
  }

  private func half(_ place: Int) -> Int {
    guard let value = Int(exactly: buffer[place]), (0..<1 << 24).contains(value) else { return 0 }
    return value
  }
}
