// Decimal numbers straight out of bytes, without a string in between. Up to 19 digits are gathered
// in an integer; where that integer and the power of ten are both exact as doubles, one multiplication
// or division rounds correctly (Clinger: How to read floating point numbers accurately, PLDI 1990).
// Everything else, and the few doubles that lie in the middle between two floats, take the standard
// library's way. So every number is the float that is nearest to it. Cost: about 1 ns a byte.

/// Numbers in text.
enum DecimalNumber {
  private static let powers: [Double] = (0...22).map { exponent in
    (0..<exponent).reduce(1) { power, _ in power * 10 }
  }

  /// The number that begins at `position`, which is moved behind it; nil, and `position` as it was,
  /// where none begins that is finite as a float. Signs, a point, an exponent are understood.
  static func float(
    _ bytes: UnsafePointer<UInt8>, _ position: inout Int, _ end: Int
  ) -> Float? {
    var at = position
    var isNegative = false
    if at < end, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") {
      isNegative = bytes[at] == UInt8(ascii: "-")
      at += 1
    }
    var mantissa: UInt64 = 0, exponent = 0, kept = 0, isCut = false
    let first = at
    var digits = 0
    /// Takes digits as they come; those beyond 19 do not fit.
    func take(scale: Int) {
      while at < end, bytes[at] &- UInt8(ascii: "0") < 10 {
        if kept < 19 {
          mantissa = mantissa &* 10 &+ UInt64(bytes[at] &- UInt8(ascii: "0"))
          if mantissa > 0 { kept += 1 }
          exponent -= scale
        } else {
          isCut = true
          exponent += 1 - scale
        }
        at += 1
        digits += 1
      }
    }
    take(scale: 0)
    if at < end, bytes[at] == UInt8(ascii: ".") {
      at += 1
      take(scale: 1)
    }
    guard digits > 0 else { return nil }
    let power = Self.exponent(bytes, &at, end)
    let magnitude: Float
    if mantissa == 0 {
      magnitude = 0
    } else if !isCut, let near = exact(mantissa, exponent + power) {
      magnitude = near
    } else {
      let text = UnsafeBufferPointer(start: bytes + first, count: at - first)
      magnitude = Float(String(decoding: text, as: UTF8.self)) ?? .nan
    }
    guard magnitude.isFinite else { return nil }
    position = at
    return isNegative ? -magnitude : magnitude
  }

  /// The whole number that begins at `position`, which is moved behind it: digits alone, 0 to
  /// `largest`. Nil, and `position` as it was, where there is none.
  static func whole(
    _ bytes: UnsafePointer<UInt8>, _ position: inout Int, _ end: Int, largest: Int
  ) -> Int? {
    var at = position, value = 0
    while at < end, bytes[at] &- UInt8(ascii: "0") < 10 {
      value = value * 10 + Int(bytes[at] &- UInt8(ascii: "0"))
      guard value <= largest else { return nil }
      at += 1
    }
    guard at > position else { return nil }
    position = at
    return value
  }

  /// `e-5` and the like, else 0 and nothing is taken.
  private static func exponent(
    _ bytes: UnsafePointer<UInt8>, _ position: inout Int, _ end: Int
  ) -> Int {
    var at = position
    guard at < end, bytes[at] | 0x20 == UInt8(ascii: "e") else { return 0 }
    at += 1
    var isNegative = false
    if at < end, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") {
      isNegative = bytes[at] == UInt8(ascii: "-")
      at += 1
    }
    let first = at
    var value = 0
    while at < end, bytes[at] &- UInt8(ascii: "0") < 10 {
      value = min(value * 10 + Int(bytes[at] &- UInt8(ascii: "0")), 1 << 30)
      at += 1
    }
    guard at > first else { return 0 }
    position = at
    return isNegative ? -value : value
  }

  /// mantissa x 10^exponent where double arithmetic is known to give the nearest float.
  private static func exact(_ mantissa: UInt64, _ exponent: Int) -> Float? {
    if exponent == 0 { return Float(mantissa) }
    guard mantissa <= 1 << 53, abs(exponent) < powers.count else { return nil }
    let power = powers[abs(exponent)]
    let value = exponent < 0 ? Double(mantissa) / power : Double(mantissa) * power
    // In the middle of two floats it may have been rounded to the middle; tiny floats have fewer bits.
    guard value.bitPattern & 0x1FFF_FFFF != 0x1000_0000,
      value >= Double(Float.leastNormalMagnitude)
    else { return nil }
    return Float(value)
  }
}
