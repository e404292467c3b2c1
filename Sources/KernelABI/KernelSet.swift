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
public protocol KernelSet: ElementwiseKernels, RowKernels, ConvolutionKernels, ChannelKernels,
  SequenceKernels, SparseKernels
{
  /// What the functions were compiled for.
  static var instructionSet: InstructionSet { get }

  /// C = [C +] op(A) op(B) [+ bias] [then ReLU], as `shape` says. `bias` holds n floats or is nil. Where
  /// A is not transposed, a row of C is the same bits however many rows are in the call.
  static func matrixProduct(
    _ shape: MatrixProductShape, a: FloatsIn, b: FloatsIn, bias: FloatsIn?, c: FloatsOut,
    scratch: FloatsOut)
  /// Floats of scratch that `matrixProduct` needs for up to m rows and k products per sum, whether or
  /// not it accumulates.
  static func matrixProductScratch(_ shape: MatrixProductShape) -> Int

  /// y = maximum of each window; `choice` gets the winning place (row * window + column): the first
  /// of equals, but the last NaN, which wins over every number.
  static func maxPoolingForward(
    _ shape: PoolingShape, x: FloatsIn, y: FloatsOut, choice: UnsafeMutablePointer<UInt8>)
  /// dx, overwritten, from dy and `choice`; overlapping windows add up.
  static func maxPoolingBackward(
    _ shape: PoolingShape, dy: FloatsIn, choice: UnsafePointer<UInt8>, dx: FloatsOut)

  /// y = mean of each window.
  static func averagePoolingForward(_ shape: PoolingShape, x: FloatsIn, y: FloatsOut)
  /// dx, overwritten, from dy; overlapping windows add up.
  static func averagePoolingBackward(_ shape: PoolingShape, dy: FloatsIn, dx: FloatsOut)

  /// One step of SGD on `count` parameters. `velocity` is nil without momentum.
  static func sgd(
    _ rule: SGDRule, count: Int, gradients: FloatsIn, parameters: FloatsOut, velocity: FloatsOut?)
  /// One step of Adam or AdamW on `count` parameters.
  static func adam(
    _ rule: AdamRule, count: Int, gradients: FloatsIn, parameters: FloatsOut,
    firstMoment: FloatsOut, secondMoment: FloatsOut)
}
