// One rank's view of the data: reads its share of any step into memory that was allocated once.

import Basics
import Kernels

/// Reads the samples of neighbouring parts (a rank's lanes, or its one part) step by step.
///
/// Any step of any epoch may be read at any time; reading is a pure function of (step, epoch), so
/// nothing but the step needs to be in a checkpoint. With a seed the data are shuffled in every
/// epoch, and augmented if they are of the kind; without one they are read in order and as they are,
/// which is how ranks share the held-out set.
public final class BatchReader {
  /// The data.
  public let dataset: any Dataset
  /// How it is divided.
  public let cut: BatchCut
  /// Parts that a step's samples are divided into, and those that are this reader's.
  public let parts: Int, mine: Range<Int>
  /// Most samples of this reader in any step.
  public let capacity: Int

  private let order: EpochOrder
  private let kernels: KernelTable
  private let seed: UInt64?
  private let inputs: FloatBuffer  // (capacity, sample): floats, indices, or sparse rows
  private let targets: UnsafeMutablePointer<Int32>  // (capacity, targets per sample)

  /// Allocates room for the largest share.
  ///
  /// - Parameters:
  ///   - globalBatch: samples per step over all ranks.
  ///   - parts: how many parts a step is divided into: ranks, or lanes.
  ///   - mine: this rank's parts.
  ///   - seed: shuffles the samples; `nil` keeps their order.
  public init(
    _ dataset: any Dataset, globalBatch: Int, parts: Int, mine: Range<Int>, seed: UInt64?,
    kernels: KernelTable
  ) {
    precondition(mine.lowerBound >= 0 && mine.upperBound <= parts, "there are \(parts) parts")
    (self.dataset, self.parts, self.mine, self.kernels) = (dataset, parts, mine, kernels)
    self.seed = seed
    cut = BatchCut(samples: dataset.count, globalBatch: globalBatch)
    order = EpochOrder(count: dataset.count, seed: seed)
    capacity = cut.largestShare(parts: parts, count: mine.count)
    inputs = FloatBuffer(
      count: capacity * dataset.sampleShape.bytesPerSample / MemoryLayout<Float>.stride)
    targets = .allocate(capacity: max(1, capacity * dataset.targetsPerSample))
    targets.initialize(repeating: 0, count: max(1, capacity * dataset.targetsPerSample))
  }

  deinit { targets.deallocate() }

  /// Bytes of one sample in a batch.
  public var bytesPerSample: Int { dataset.sampleShape.bytesPerSample }

  /// This reader's samples of step `step` (counted from 0 within the epoch) of `epoch`. The batch's
  /// memory is the reader's and is overwritten by the next call. Allocates nothing.
  public func read(step: Int, epoch: Int) -> Batch {
    let slice = cut.slice(step: step)
    let share = BatchCut.share(of: slice, parts: parts, mine: mine)
    let indices = UnsafeBufferPointer(rebasing: order.order(epoch: epoch)[share])
    dataset.read(
      indices, inputs: inputs.pointer, targets: targets,
      context: ReadContext(seed: seed, epoch: epoch), kernels: kernels)
    return Batch(
      count: share.count, globalCount: slice.count, offset: share.lowerBound - slice.lowerBound,
      epoch: epoch, step: step, seed: seed ?? 0, inputs: UnsafeRawPointer(inputs.pointer),
      targets: UnsafePointer(targets))
  }

  /// The samples of one of this reader's parts, as a view into a batch that `read` returned.
  public func part(_ part: Int, of batch: Batch) -> Batch {
    precondition(mine.contains(part), "part \(part) is another rank's")
    let share = BatchCut.share(of: 0..<batch.globalCount, parts: parts, mine: part..<part + 1)
    return batch.part(
      share.lowerBound - batch.offset..<share.upperBound - batch.offset,
      bytesPerSample: bytesPerSample, targetsPerSample: dataset.targetsPerSample)
  }
}
