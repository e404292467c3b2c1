// Floats of 16 bits, one element at a time. In integers throughout: a thread that flushes
// denormals must convert them all the same.

import KernelABI

/// `value / 2^bits`, rounded to nearest even.
private func halved(_ value: UInt32, _ bits: UInt32) -> UInt32 {
  let (whole, tie) = (value >> bits, UInt32(1) << (bits - 1))
  let rest = value - whole << bits
  return rest > tie || rest == tie && whole & 1 == 1 ? whole + 1 : whole
}

extension ShortFloat {
  /// The bits of the nearest number of the format.
  fileprivate func bits(of x: Float) -> UInt16 {
    let sign = UInt16(x.bitPattern >> 16) & 0x8000
    let magnitude = x.bitPattern & 0x7fff_ffff
    let isNaN = magnitude > 0x7f80_0000
    switch self {
    case .bfloat16:
      return sign | UInt16(isNaN ? magnitude >> 16 | 0x40 : halved(magnitude, 16))
    case .float16:
      if isNaN { return sign | 0x7e00 | UInt16(magnitude >> 13 & 0x3ff) }
      if magnitude >= overflowBits { return sign | 0x7c00 }
      let exponent = Int(magnitude >> 23) - 127
      if exponent < -25 { return sign }
      // 2^-24 is the step of subnormals; each exponent above -14 doubles it.
      let significand = magnitude & 0x7f_ffff | 0x80_0000
      if exponent < -14 { return sign | UInt16(halved(significand, UInt32(-1 - exponent))) }
      return sign | UInt16(UInt32(exponent + 14) << 10 + halved(significand, 13))
    }
  }

  /// The number that the bits stand for.
  fileprivate func value(of bits: UInt16) -> Float {
    switch self {
    case .bfloat16: return Float(bitPattern: UInt32(bits) << 16)
    case .float16:
      let (exponent, fraction) = (bits >> 10 & 0x1f, bits & 0x3ff)
      let sign = UInt32(bits & 0x8000) << 16
      if exponent == 31 {
        let payload = fraction == 0 ? 0 : UInt32(fraction) << 13 | 0x40_0000
        return Float(bitPattern: sign | 0x7f80_0000 | payload)
      }
      let magnitude =
        exponent == 0
        ? Float(fraction) * 0x1p-24
        : Float(bitPattern: UInt32(exponent + 112) << 23 | UInt32(fraction) << 13)
      return Float(bitPattern: sign | magnitude.bitPattern)
    }
  }
}

extension ScalarKernels {
  /// x = rounded x, y = its bits.
  public static func encode(_ format: ShortFloat, _ count: Int, x: FloatsOut, y: ShortsOut) -> Int {
    var overflows = 0
    for i in 0..<count {
      y[i] = format.bits(of: x[i])
      let rounded = format.value(of: y[i])
      if x[i].isFinite && rounded.isInfinite { overflows += 1 }
      x[i] = rounded
    }
    return overflows
  }

  /// y = x.
  public static func decode(_ format: ShortFloat, _ count: Int, x: ShortsIn, y: FloatsOut) {
    for i in 0..<count { y[i] = format.value(of: x[i]) }
  }

  /// y += x.
  public static func decodeAdd(_ format: ShortFloat, _ count: Int, x: ShortsIn, y: FloatsOut) {
    for i in 0..<count { y[i] += format.value(of: x[i]) }
  }
}
