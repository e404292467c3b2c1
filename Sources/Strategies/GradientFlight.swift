// The all-reduce of gradients while backward is still computing: a bucket starts as soon as all its
// ranges are finished, and between layers every bucket under way is moved along. No thread runs
// behind the user's back: what overlaps is what the network moves between two of these moments.

import Basics
import Collectives
import Kernels
import Layers
import Messaging

/// Sums the replica's gradient buffer over all ranks, bucket by bucket, during backward.
public final class GradientFlight: GradientObserver {
  /// Ranges in the order in which they travel.
  public let plan: BucketPlan

  private unowned let worker: Worker
  private let runners: [ScheduleRunner]
  private let gradients: FloatBuffer
  private let tally: FloatsOut
  private var samples = 0
  private var started = 0
  private var landed = 0
  private var failure: MessagingError?
  private var overflows = 0  // of all steps so far

  /// Plans buckets and schedules once; a step allocates nothing. All ranks together.
  ///
  /// - Throws: an error that names who differs, if the ranks do not mean to do the same.
  public init(_ worker: Worker) throws(MessagingError) {
    let gradients = worker.replica.gradients
    let group = worker.group
    self.worker = worker
    self.gradients = gradients
    tally = gradients.pointer + worker.replica.layout.count
    plan = BucketPlan(
      layout: worker.replica.layout, count: gradients.count, bytes: worker.bucketBytes,
      tailApart: worker.wire != .float32)
    try MismatchCheck.compare(
      [
        CommonFact("the length of the gradient", gradients.count),
        CommonFact("the all-reduce algorithm", worker.allReduce.name),
        CommonFact("the wire format", worker.wire.rawValue),
        CommonFact("the number of buckets", plan.ranges.count),
        CommonFact("where buckets begin", plan.ranges.map(\.lowerBound)),
      ], over: group.communicator)
    var runners: [ScheduleRunner] = []
    if group.size > 1 {
      for (number, range) in plan.ranges.enumerated() {
        let schedule = worker.allReduce.schedule(
          rank: group.rank, topology: group.topology, count: range.count)
        // The tally counts: it must not be rounded.
        let isTally = range.lowerBound >= worker.replica.layout.count
        runners.append(
          group.runner(
            schedule, on: worker.replica.gradientVector, tag: number, kernels: worker.kernels,
            wire: isTally ? .float32 : worker.wire))
        runners[number].record(in: worker.trace)
      }
    }
    self.runners = runners
  }

  /// Computes the gradient of `batch` at the replica's parameters, sums it over all ranks, and calls
  /// `landed` with each range, in order, once its sum is there.
  public func gradient(
    of batch: Batch, landed: (Range<Int>) -> Void
  ) throws(MessagingError) -> StepReport {
    samples = batch.globalCount
    (started, self.landed) = (0, 0)
    _ = worker.objective.gradient(
      of: batch, at: UnsafePointer(worker.replica.parameters.pointer),
      into: gradients.pointer, observer: self)
    if let failure { throw failure }
    precondition(started == plan.ranges.count, "a layer did not finish its gradients")
    for (number, range) in plan.ranges.enumerated() {
      if !runners.isEmpty {
        try worker.waiting { () throws(MessagingError) in try runners[number].finish() }
      }
      landed(range)
    }
    countOverflows()
    return Tally.read(UnsafePointer(tally), samples: samples)
  }

  private func countOverflows() {
    let before = overflows
    overflows = 0
    for runner in runners { overflows += runner.overflowCount }
    worker.untoldOverflows += overflows - before
  }

  public func evaluated(_ sum: LossSum) {
    Tally.write(
      sum, of: samples, vote: worker.wantsToStop, overflows: worker.untoldOverflows, to: tally)
    worker.untoldOverflows = 0
  }

  public func finished(_ range: Range<Int>) {
    while started < plan.ranges.count, plan.ranges[started].lowerBound >= range.lowerBound {
      launch(started)
      started += 1
    }
  }

  private func launch(_ number: Int) {
    guard !runners.isEmpty, failure == nil else { return }
    attempt { () throws(MessagingError) in
      try runners[number].start(on: gradients[plan.ranges[number]])
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
