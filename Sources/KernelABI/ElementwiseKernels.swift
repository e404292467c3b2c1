// The kernels that treat every element of a vector alike, and sums over all of them.

/// Part of `KernelSet`, whose rules hold. All are bound by memory, but for the exponentials of
/// activations.
public protocol ElementwiseKernels: SendableMetatype {
  /// y = kind(x), NaN stays NaN; y may be x.
  static func activation(_ kind: ActivationKind, _ count: Int, x: FloatsIn, y: FloatsOut)
  /// dx = dy times the derivative; `x` and `y` are as in the forward pass, and only the one that
  /// `kind.derivativeNeedsInput` names is read. dx may be dy.
  static func activationBackward(
    _ kind: ActivationKind, _ count: Int, x: FloatsIn, y: FloatsIn, dy: FloatsIn, dx: FloatsOut)

  /// y = kind(x) and derivative = kind'(x), with the bits of `activation`; y may be x.
  static func activationWithDerivative(
    _ kind: ActivationKind, _ count: Int, x: FloatsIn, y: FloatsOut, derivative: FloatsOut)

  /// y = x > 0 ? x : slope x, for a slope in 0..<1; y may be x.
  static func leakyReLU(_ count: Int, slope: Float, x: FloatsIn, y: FloatsOut)
  /// dx = y > 0 ? dy : slope dy; dx may be dy.
  static func leakyReLUBackward(
    _ count: Int, slope: Float, y: FloatsIn, dy: FloatsIn, dx: FloatsOut)

  /// y[i] = x[i] / (1 - rate) or, with probability `rate` (in 0..<1), zero; y may be x. Which, is a
  /// pure function of `key` and `counter + i`, the same on every instruction set; so the backward
  /// pass is this function again, with dy for x.
  static func dropout(
    _ count: Int, rate: Float, key: UInt64, counter: UInt64, x: FloatsIn, y: FloatsOut)

  /// y += x.
  static func add(_ count: Int, x: FloatsIn, y: FloatsOut)
  /// y *= x.
  static func multiply(_ count: Int, x: FloatsIn, y: FloatsOut)
  /// Every one of `into` vectors y = the sum over `over` vectors x, in order. A y may be an x.
  static func sumVectors(
    _ count: Int, x: UnsafePointer<FloatsOut>, over: Int, y: UnsafePointer<FloatsOut>, into: Int)
  /// y += factor * x.
  static func addScaled(_ count: Int, factor: Float, x: FloatsIn, y: FloatsOut)
  /// y = factor * y.
  static func scale(_ count: Int, factor: Float, y: FloatsOut)

  /// Sum of x squared, in double precision.
  static func sumOfSquares(_ count: Int, x: FloatsIn) -> Double
  /// Sum of x times y, in double precision.
  static func dot(_ count: Int, x: FloatsIn, y: FloatsIn) -> Double

  /// y = scale * byte + offset.
  static func convertBytes(
    _ count: Int, bytes: UnsafePointer<UInt8>, scale: Float, offset: Float, y: FloatsOut)

  /// Rounds x to nearest even, in place, and writes the bits of the rounded numbers to `y`. NaN
  /// stays NaN (quiet); subnormals are exact, whether the thread flushes denormals or not; every
  /// instruction set gives the same bits.
  ///
  /// - Returns: how many finite numbers were too large and became infinite.
  static func encode(_ format: ShortFloat, _ count: Int, x: FloatsOut, y: ShortsOut) -> Int
  /// y = x, exactly; see `encode`.
  static func decode(_ format: ShortFloat, _ count: Int, x: ShortsIn, y: FloatsOut)
  /// y += x; the conversion is exact, the addition is `add`'s.
  static func decodeAdd(_ format: ShortFloat, _ count: Int, x: ShortsIn, y: FloatsOut)
}

/// A function applied to every element.
public enum ActivationKind: String, Sendable, CaseIterable {
  /// max(x, 0).
  case relu
  /// x times the probability that a normal variable is below x, exactly (not the tanh formula).
  case gelu
  /// Hyperbolic tangent.
  case tanh
  /// 1 / (1 + exp(-x)).
  case sigmoid
  /// x sigmoid(x).
  case silu

  /// Whether the derivative needs x; otherwise y is enough, and y may have overwritten x.
  @inlinable public var derivativeNeedsInput: Bool { self == .gelu || self == .silu }
}
