// Moments of parameters that get no gradient decay by a constant factor per step until they lie
// below 2^-126, where processors take far longer for every operation (on x86 a microcode assist).

import CSIMD

/// The thread's treatment of numbers below 2^-126.
public enum Denormals {
  /// From now on the calling thread, and threads that it starts, count such numbers as zero, as
  /// every rank of a run must: the mode is part of what makes results equal.
  public static func flush() { csimd_flush_denormals() }
}
