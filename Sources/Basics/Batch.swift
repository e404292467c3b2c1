// One rank's part of a step's samples, as memory that the network reads.

/// A view of `count` samples and their targets; whoever made it owns the memory.
public struct Batch {
  /// Samples in this view; 0 where a rank has no share of a short last batch.
  public var count: Int
  /// Samples of the whole step over all ranks; gradients are divided by it, so that summing over
  /// ranks gives the mean over the union batch whatever the shares are.
  public var globalCount: Int
  /// Place of the first sample within the step's union batch (counter-based randomness needs it).
  public var offset: Int
  /// The epoch, and the step within it, that the samples belong to; both from 0.
  public var epoch, step: Int
  /// The run's seed, for randomness that is a function of seed, epoch, step and sample.
  public var seed: UInt64
  /// `count` samples in the data set's shape, one behind the other: floats, 32-bit indices, or one
  /// `SparseRow` each (see `Shape.bytesPerSample`).
  public var inputs: UnsafeRawPointer
  /// The class or next token per target, or the bits of a number (see `TargetKind`):
  /// (count, targets per sample).
  public var targets: UnsafePointer<Int32>

  /// A view of memory that outlives the batch.
  public init(
    count: Int, globalCount: Int, offset: Int, epoch: Int = 0, step: Int = 0,
    seed: UInt64 = 0,
    inputs: UnsafeRawPointer, targets: UnsafePointer<Int32>
  ) {
    self.count = count
    self.globalCount = globalCount
    self.offset = offset
    (self.epoch, self.step, self.seed) = (epoch, step, seed)
    self.inputs = inputs
    self.targets = targets
  }

  /// The same samples seen otherwise: what belongs to them is at `inputs`.
  public func with(inputs: UnsafeRawPointer) -> Batch {
    Batch(
      count: count, globalCount: globalCount, offset: offset, epoch: epoch, step: step, seed: seed,
      inputs: inputs, targets: targets)
  }

  /// Samples `range` of this view, of the same step and with the same global count.
  public func part(_ range: Range<Int>, bytesPerSample: Int, targetsPerSample: Int) -> Batch {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside of the batch")
    return Batch(
      count: range.count, globalCount: globalCount, offset: offset + range.lowerBound,
      epoch: epoch, step: step, seed: seed,
      inputs: inputs + range.lowerBound * bytesPerSample,
      targets: targets + range.lowerBound * targetsPerSample)
  }
}
