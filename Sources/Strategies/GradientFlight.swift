// The all-reduce of gradients while backward is still computing: a bucket starts as soon as all its
// ranges are finished, and between layers every bucket under way is moved along. No thread runs
// behind the user's back: what overlaps is what the network moves between two of these moments.

import Basics
import Collectives
import Kernels
import Layers
import Messaging

/// Sums the replica's gradient buffer over ranks, bucket by bucket, during backward.
public final class GradientFlight: GradientObserver {
  private unowned let worker: Worker
  /// Ranges in the order in which they travel.
  private let ranges: [Range<Int>]
  private let runners: [ScheduleRunner]
  private let gradients: FloatBuffer
  private let tally: FloatsOut
  private var samples = 0
  private var started = 0
  private var landed = 0
  private var failure: MessagingError?

  /// Plans buckets and schedules once; a step allocates nothing.
  public init(_ worker: Worker) {
    let gradients = worker.replica.gradients
    let group = worker.group
    self.worker = worker
    self.gradients = gradients
    tally = gradients.pointer + worker.replica.layout.count
    let plan = worker.plan
    precondition(gradients.count == plan.gradientCount, "the replica follows another plan")
    ranges = plan.buckets.ranges
    runners =
      group.size == 1
      ? []
      : ranges.indices.map { bucket in
        group.runner(
          plan.sum(bucket, rank: group.rank), on: worker.replica.gradientVector, tag: bucket,
          kernels: worker.kernels)
      }
  }

  /// Computes the gradient of `batch` at the replica's parameters, sums it over ranks as the plan
  /// says, and calls `landed` with each bucket's number, in order, once its sum is there.
  public func gradient(
    of batch: Batch, landed: (Int) throws(MessagingError) -> Void
  ) throws(MessagingError) -> StepReport {
    samples = batch.globalCount
    (started, self.landed) = (0, 0)
    _ = worker.objective.gradient(
      of: batch, at: UnsafePointer(worker.replica.parameters.pointer),
      into: gradients.pointer, observer: self)
    if let failure { throw failure }
    precondition(started == ranges.count, "a layer did not finish its gradients")
    for number in ranges.indices {
      if !runners.isEmpty {
        try worker.communicating { () throws(MessagingError) in try runners[number].finish() }
      }
      try landed(number)
    }
    return Tally.read(UnsafePointer(tally), samples: samples)
  }

  public func evaluated(_ sum: LossSum) {
    Tally.write(sum, of: samples, vote: worker.wantsToStop, to: tally)
  }

  public func finished(_ range: Range<Int>) {
    while started < ranges.count, ranges[started].lowerBound >= range.lowerBound {
      launch(started)
      started += 1
    }
  }

  private func launch(_ number: Int) {
    guard !runners.isEmpty, failure == nil else { return }
    attempt { () throws(MessagingError) in
      try runners[number].start(on: gradients.values)
    }
  }

  public func pause() {
    guard !runners.isEmpty, failure == nil, landed < started else { return }
    attempt { () throws(MessagingError) in
      for number in landed..<started where try runners[number].advance() {
        if number == landed { landed += 1 }
      }
    }
  }

  /// Layers cannot throw: an error waits until backward returns.
  private func attempt(_ body: () throws(MessagingError) -> Void) {
    do throws(MessagingError) { try worker.communicating(body) } catch { failure = error }
  }
}
