// Which samples a rank trains on in which step: the one place where data is divided. A pure
// function of the job (samples, global batch, parts), so every rank knows everybody's share, and a
// resumed run or one on other ranks cuts alike.

/// Cuts an epoch into steps, and a step's samples into parts.
public struct BatchCut: Sendable, Equatable {
  /// Samples per epoch.
  public let samples: Int
  /// Samples per step over all ranks; the last step of an epoch may hold fewer.
  public let globalBatch: Int

  /// A cut; a batch larger than the data set means one step per epoch.
  public init(samples: Int, globalBatch: Int) {
    precondition(samples > 0, "a data set holds samples")
    precondition(globalBatch > 0, "a batch holds samples")
    (self.samples, self.globalBatch) = (samples, min(globalBatch, samples))
  }

  /// Steps until every sample was used once.
  public var stepsPerEpoch: Int { (samples + globalBatch - 1) / globalBatch }

  /// The epoch, and the step within it, of the run's step `step`; all count from 0.
  public func position(ofStep step: Int) -> (epoch: Int, step: Int) {
    precondition(step >= 0, "steps count from 0")
    return (step / stepsPerEpoch, step % stepsPerEpoch)
  }

  /// Places in the epoch's order that step `step` of the epoch uses.
  public func slice(step: Int) -> Range<Int> {
    precondition(step >= 0 && step < stepsPerEpoch, "an epoch has \(stepsPerEpoch) steps")
    return step * globalBatch..<min(samples, (step + 1) * globalBatch)
  }

  /// The places of `slice` that fall to the neighbouring parts `mine` of `parts` equal parts.
  ///
  /// Part p of n samples is n p / parts ..< n (p + 1) / parts, rounded down: parts differ by at most
  /// one sample, and so do equal groups of neighbouring parts, so lanes stay balanced however
  /// they are dealt to ranks. Parts are empty where samples run out.
  public static func share(
    of slice: Range<Int>, parts: Int, mine: Range<Int>
  ) -> Range<Int> {
    precondition(mine.lowerBound >= 0 && mine.upperBound <= parts, "there are \(parts) parts")
    func start(_ part: Int) -> Int { slice.lowerBound + slice.count * part / parts }
    return start(mine.lowerBound)..<start(mine.upperBound)
  }

  /// Most samples that `share` ever gives to `count` neighbouring parts of `parts`.
  public func largestShare(parts: Int, count: Int) -> Int {
    (globalBatch * count + parts - 1) / parts
  }
}
