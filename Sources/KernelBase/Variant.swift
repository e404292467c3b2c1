// The vector kernels of one instruction set. This folder is compiled several times, as KernelBase,
// KernelAVX2 and KernelAVX512, with different options for the processor.
//
// Rule of the folder: pointer code only. No arrays, strings, sorting, printing or generic code of
// the standard library that is not inlined away: its specialisations would carry the same name in
// every module, the linker would keep one, and it might be the one that this processor lacks the
// instructions for. A test inspects the object files.

import KernelABI

/// The kernels of this module's instruction set.
public enum VectorKernels: KernelSet {
  /// What this module was compiled for.
  public static var instructionSet: InstructionSet {
    #if KERNEL_AVX512
      .avx512
    #elseif KERNEL_AVX2
      .avx2
    #else
      .baseline
    #endif
  }
}
