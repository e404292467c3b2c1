// The 16-bit formats in which vectors can travel.

/// A float of 16 bits.
public enum ShortFloat: Sendable, CaseIterable {
  /// 8 bits of exponent and 7 of fraction: float32's range, a relative rounding error of 2^-8.
  case bfloat16
  /// 5 bits of exponent and 10 of fraction (IEEE 754 binary16): up to 65,504, a relative rounding
  /// error of 2^-11, fixed steps of 2^-24 below 2^-14.
  case float16

  /// The smallest magnitude that rounds to infinity, as the bits of a float.
  public var overflowBits: UInt32 {
    switch self {
    case .bfloat16: 0x7f7f_8000  // 2^128 - 2^119
    case .float16: 0x477f_f000  // 65,520
    }
  }
}

/// Where bits of 16-bit floats are read from.
public typealias ShortsIn = UnsafePointer<UInt16>
/// Where bits of 16-bit floats are written to.
public typealias ShortsOut = UnsafeMutablePointer<UInt16>
