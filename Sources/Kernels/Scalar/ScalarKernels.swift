// The reference: every kernel as the plain loops of its definition, with sums in double precision.
// The vector kernels are tested against these functions, and the program can run on them alone
// (KERNEL_ISA=scalar) to tell a kernel's fault from any other.

import KernelABI

/// The kernels as plain loops, for comparison; only recurrent layers need scratch.
public enum ScalarKernels: KernelSet {
  /// `.scalar`.
  public static var instructionSet: InstructionSet { .scalar }
}

/// Replaces negative values by 0 and keeps NaN.
@inline(__always)
func rectified(_ x: Float) -> Float { x < 0 ? 0 : x }
