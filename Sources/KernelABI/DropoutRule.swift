// Which elements dropout drops: a pure function of key and counter in 32-bit integers, which every
// instruction set has in vectors.

/// Dropout with a certain rate: the hash of a counter, see csimd's `csimd_hash`, decides.
public struct DropoutRule: Sendable {
  /// An element stays where the upper 31 bits of its hash are at least this.
  public let limit: Int32
  /// What elements that stay are multiplied by.
  public let factor: Float

  /// - Parameter rate: probability to drop an element, in 0..<1.
  public init(rate: Float) {
    precondition(rate >= 0 && rate < 1, "a dropout rate must be in 0..<1")
    limit = Int32((rate * 0x1p31).rounded())
    factor = Float(1 / (1 - Double(rate)))
  }

  /// The two keys of the hash for counters whose upper half is `high`: SplitMix64's finaliser of
  /// both (Steele, Lea and Flood 2014).
  public static func keys(_ key: UInt64, high: UInt32) -> (first: UInt32, second: UInt32) {
    var z = key &+ (UInt64(high) &+ 1) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    z ^= z >> 31
    return (UInt32(truncatingIfNeeded: z), UInt32(truncatingIfNeeded: z >> 32))
  }
}
