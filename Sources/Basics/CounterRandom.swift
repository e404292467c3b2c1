// Random numbers as a pure function of (seed, stream, counter): any rank can draw number 1,000,000
// without drawing those before it, so a run's randomness does not depend on how many ranks share
// the work or on where it was interrupted. The mixing function is SplitMix64's finaliser (Steele,
// Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A family of random numbers addressed by a counter. Cost: about 1 ns a draw.
public struct CounterRandom: Sendable {
  /// What the numbers are for; streams of one seed are independent of each other.
  public enum Stream: UInt64, Sendable {
    case initialisation = 1
    case shuffle, generatedData, dropout, augmentation, compression, test, noise, generation
  }

  private let key: UInt64

  /// The family of `seed`, `stream` and, within it, `substream` (an epoch, a tensor, a sample).
  public init(seed: UInt64, stream: Stream, substream: UInt64 = 0) {
    let first = Self.mix(seed &+ 0x9E37_79B9_7F4A_7C15)
    key = Self.mix(Self.mix(first ^ (stream.rawValue &* 0xD1B5_4A32_D192_ED03)) &+ substream)
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// 64 random bits.
  public func bits(_ counter: UInt64) -> UInt64 {
    Self.mix(key &+ (counter &+ 1) &* 0x9E37_79B9_7F4A_7C15)
  }

  /// Uniform in [0, 1), a multiple of 2^-24.
  public func uniform(_ counter: UInt64) -> Float {
    Float(bits(counter) >> 40) * 0x1p-24
  }

  /// Uniform in 0..<bound; the bias is below bound / 2^64.
  public func index(_ counter: UInt64, below bound: Int) -> Int {
    precondition(bound > 0, "the bound must be positive")
    return Int(bits(counter).multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Normal with mean 0 and deviation 1 (Box and Muller, 1958).
  public func normal(_ counter: UInt64) -> Float {
    let drawn = bits(counter)
    let first = (Double(drawn >> 32) + 1) * 0x1p-32  // (0, 1]
    let second = Double(drawn & 0xFFFF_FFFF) * 0x1p-32
    return Float((-2 * log(first)).squareRoot() * cos(2 * .pi * second))
  }
}
