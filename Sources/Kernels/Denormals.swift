// Moments of parameters that get no gradient decay by a constant factor per step until they lie
// below 2^-126, where a processor takes some 150 cycles for what otherwise takes one: Adam's
// update of a dense layer on images with dark borders was 30 times slower after 300 steps.

import CSIMD

/// The thread's treatment of numbers below 2^-126.
public enum Denormals {
  /// From now on the calling thread, and threads that it starts, count such numbers as zero, as
  /// every rank of a run must: the mode is part of what makes results equal.
  public static func flush() { csimd_flush_denormals() }
}
