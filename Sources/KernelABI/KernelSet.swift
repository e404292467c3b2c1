// The contract between the kernels' users and their variants: a set of static functions, compiled
// once per instruction set and chosen at run time by passing the set's type around. Variant modules
// hold pointer code only (no arrays, strings, closures over generics), because specialisations of
// the standard library's generics would be shared between objects compiled for different
// processors, and the widest copy could win.

/// What the vector code was compiled for, from narrow to wide.
public enum InstructionSet: Int, Sendable, CaseIterable, Comparable {
  /// Plain loops, the reference that the others are compared with.
  case scalar
  /// What every processor of the architecture has: SSE2 on x86-64, NEON on ARM.
  case baseline
  /// AVX2 and FMA (x86-64-v3).
  case avx2
  /// AVX-512 F, BW, CD, DQ, VL (x86-64-v4).
  case avx512

  /// Ordered by width.
  public static func < (a: InstructionSet, b: InstructionSet) -> Bool { a.rawValue < b.rawValue }
}

/// Every kernel. Pointers need no alignment (64 bytes is fastest); outputs must not overlap inputs
/// unless a kernel says so; a kernel allocates nothing and is given its scratch by the caller.
/// Deterministic: equal arguments give equal bits, for one instruction set.
public protocol KernelSet: ConvolutionKernels, ChannelKernels, SequenceKernels, SparseKernels {
  /// What the functions were compiled for.
  static var instructionSet: InstructionSet { get }

  /// C = [C +] op(A) op(B) [+ bias] [then ReLU], as `shape` says. `bias` holds n floats or is nil.
  static func matrixProduct(
    _ shape: MatrixProductShape, a: FloatsIn, b: FloatsIn, bias: FloatsIn?, c: FloatsOut,
    scratch: FloatsOut)
  /// Floats of scratch that `matrixProduct` needs.
  static func matrixProductScratch(_ shape: MatrixProductShape) -> Int

  /// y = maximum of each window; `choice` gets the winning place (row * window + column), the first
  /// of equals; NaN wins.
  static func maxPoolingForward(
    _ shape: PoolingShape, x: FloatsIn, y: FloatsOut, choice: UnsafeMutablePointer<UInt8>)
  /// dx, overwritten, from dy and `choice`; overlapping windows add up.
  static func maxPoolingBackward(
    _ shape: PoolingShape, dy: FloatsIn, choice: UnsafePointer<UInt8>, dx: FloatsOut)

  /// y = mean of each window.
  static func averagePoolingForward(_ shape: PoolingShape, x: FloatsIn, y: FloatsOut)
  /// dx, overwritten, from dy; overlapping windows add up.
  static func averagePoolingBackward(_ shape: PoolingShape, dy: FloatsIn, dx: FloatsOut)

  /// y = max(x, 0), NaN stays NaN; y may be x.
  static func relu(_ count: Int, x: FloatsIn, y: FloatsOut)
  /// dx = y > 0 ? dy : 0; dx may be dy.
  static func reluBackward(_ count: Int, y: FloatsIn, dy: FloatsIn, dx: FloatsOut)
  /// y = x > 0 ? x : slope x, for a slope in 0..<1; y may be x.
  static func leakyReLU(_ count: Int, slope: Float, x: FloatsIn, y: FloatsOut)
  /// dx = y > 0 ? dy : slope dy; dx may be dy.
  static func leakyReLUBackward(
    _ count: Int, slope: Float, y: FloatsIn, dy: FloatsIn, dx: FloatsOut)
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
  /// y[c] = [y[c] +] sum over rows r of x[r, c].
  static func sumRows(rows: Int, columns: Int, x: FloatsIn, add: Bool, y: FloatsOut)
  /// Sum of x, in blocks so that rounding stays far below one float ulp per thousand terms.
  static func sum(_ count: Int, x: FloatsIn) -> Double
  /// Sum of x squared; see `sum`.
  static func sumOfSquares(_ count: Int, x: FloatsIn) -> Double
  /// Sum of x times y; see `sum`.
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

  /// The loss over `rows` x `classes` logits and, where wanted, its gradient
  /// factor * (softmax - onehot(label)), which may overwrite the logits.
  static func softmaxCrossEntropy(
    rows: Int, classes: Int, logits: FloatsIn, labels: UnsafePointer<Int32>, factor: Float,
    gradient: FloatsOut?
  ) -> LossSum

  /// One step of SGD on `count` parameters. `velocity` is nil without momentum.
  static func sgd(
    _ rule: SGDRule, count: Int, gradients: FloatsIn, parameters: FloatsOut, velocity: FloatsOut?)
  /// One step of Adam or AdamW on `count` parameters.
  static func adam(
    _ rule: AdamRule, count: Int, gradients: FloatsIn, parameters: FloatsOut,
    firstMoment: FloatsOut, secondMoment: FloatsOut)
}
