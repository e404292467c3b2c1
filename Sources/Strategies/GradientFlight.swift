// The all-reduce of gradients while backward is still computing: a bucket starts as soon as all its
// ranges are finished, and between layers every bucket under way is moved along. No thread runs
// behind the user's back: what overlaps is what the network moves between two of these moments.
//
// A rank with several lanes makes a forward and a backward pass for each. As soon as a bucket of a
// lane is finished it is added to those that wait for it, while it is in the cache; with the last
// lane it starts to travel.

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
  private let windows: [Range<Int>]
  private let runners: [ScheduleRunner]
  private let gradients: FloatBuffer
  private let lanes: [LaneSum.Step]
  /// Floats from one lane's gradient to the next.
  private let stride: Int
  /// Place of the lane under way in `lanes`.
  private var lane = 0
  private var samples = 0
  private var started = 0
  private var landed = 0
  private var failure: MessagingError?
  private var overflows = 0  // of all steps so far

  /// Most buckets that are looked after while one is waited for.
  private static let attention = 16

  /// Plans buckets and schedules once; a step allocates nothing. All ranks together.
  ///
  /// - Throws: an error that names who differs, if the ranks do not mean to do the same.
  public init(_ worker: Worker) throws(MessagingError) {
    let gradients = worker.replica.gradients
    let group = worker.group
    self.worker = worker
    self.gradients = gradients
    let plan = worker.plan
    lanes = plan.steps(of: group.rank)
    stride = plan.laneSum?.stride ?? 0
    precondition(gradients.count == plan.gradientCount, "the replica follows another plan")
    ranges = plan.buckets.ranges
    windows = ranges.indices.map(plan.window)
    try MismatchCheck.compare(
      [
        CommonFact("the length of the gradient", gradients.count),
        CommonFact("the all-reduce algorithm", worker.allReduce.name),
        CommonFact("the wire format", worker.wire.rawValue),
        CommonFact("the number of lanes", plan.laneSum?.lanes ?? 0),
        CommonFact("who updates what", plan.isSharded ? "sharded" : "replicated"),
        CommonFact("the number of buckets", ranges.count),
        CommonFact("where buckets begin", ranges.map(\.lowerBound)),
      ], over: group.communicator)
    runners =
      group.size == 1
      ? []
      : ranges.indices.map { bucket in
        group.runner(
          plan.sum(bucket, rank: group.rank), on: worker.replica.gradientVector, tag: bucket,
          kernels: worker.kernels, wire: plan.wire(bucket))
      }
    for runner in runners { runner.record(in: worker.trace) }
  }

  /// Computes the gradient of `batch` at the replica's parameters, sums it over ranks as the plan
  /// says, and calls `landed` with each bucket's number, in order, once its sum is there.
  public func gradient(
    of batch: Batch, landed: (Int) throws(MessagingError) -> Void
  ) throws(MessagingError) -> StepReport {
    samples = batch.globalCount
    self.landed = 0
    for number in lanes.indices {
      (lane, started) = (number, 0)
      _ = worker.objective.gradient(
        of: worker.laneBatch?(lanes[number].lane, batch) ?? batch,
        at: UnsafePointer(worker.replica.parameters.pointer),
        into: gradients.pointer + lanes[number].slot * stride, observer: self)
      if let failure { throw failure }
      precondition(started == ranges.count, "a layer did not finish its gradients")
    }
    for number in ranges.indices {
      if !runners.isEmpty {
        try worker.waiting { () throws(MessagingError) in try land(number) }
      }
      try landed(number)
    }
    countOverflows()
    return Tally.read(UnsafePointer(tally(0)), samples: samples)
  }

  /// Waits for a bucket. Later ones move along meanwhile: a network that carried one bucket's rounds
  /// at a time would stand still between them.
  private func land(_ number: Int) throws(MessagingError) {
    var looks = 0
    while true {
      var events = 0
      for (place, runner) in runners[number...].prefix(GradientFlight.attention).enumerated() {
        let before = runner.events
        let isDone = try runner.advance()
        if isDone && place == 0 { return }
        events += runner.events - before
      }
      if runners[number].waitsForFinish { return try runners[number].finish() }
      looks = events > 0 ? 0 : looks + 1
      if looks > 0 { try worker.communicator.pause(after: looks) }
    }
  }

  private func countOverflows() {
    let before = overflows
    overflows = 0
    for runner in runners { overflows += runner.overflowCount }
    worker.untoldOverflows += overflows - before
  }

  private func tally(_ slot: Int) -> FloatsOut {
    gradients.pointer + slot * stride + worker.replica.layout.count
  }

  /// A rank's vote is in the tally of its first lane.
  public func evaluated(_ sum: LossSum) {
    Tally.write(
      sum, of: samples, vote: worker.wantsToStop && lane == 0, overflows: worker.untoldOverflows,
      to: tally(lanes[lane].slot))
    worker.untoldOverflows = 0
  }

  public func finished(_ range: Range<Int>) {
    while started < ranges.count, ranges[started].lowerBound >= range.lowerBound {
      addUp(ranges[started])
      if isLastLane { launch(started) }
      started += 1
    }
  }

  private var isLastLane: Bool { lane == lanes.count - 1 }

  private func addUp(_ range: Range<Int>) {
    let base = gradients.pointer + range.lowerBound
    for addition in lanes[lane].additions {
      worker.kernels.add(
        range.count, x: FloatsIn(base + addition.source * stride),
        y: base + addition.target * stride)
    }
  }

  private func launch(_ number: Int) {
    guard !runners.isEmpty, failure == nil else { return }
    attempt { () throws(MessagingError) in
      try runners[number].start(on: gradients[windows[number]])
    }
  }

  public func pause() {
    guard isLastLane, !runners.isEmpty, failure == nil, landed < started else { return }
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
