// The second half of a step: summed gradients become new parameters, bucket by bucket. Where ranks
// update a part each, what one has updated is on its way to the others while it updates the next
// bucket; ranks that all share memory update one common vector in place, and nothing travels.
//
// In common memory two meetings per step keep the peace. A layer reports its gradients before it
// is done with its parameters, so a summed bucket does not mean that all ranks are done reading:
// nobody writes before everybody has left the backward pass (the first meeting), and nobody reads
// before everybody has written (the second). With vectors of their own, ranks meet within the
// all-gather's schedule only.

import Basics
import Collectives
import Messaging
import Optimizers

/// Updates one rank's part of the parameters, and brings in the others' parts.
final class BucketUpdate {
  private unowned let worker: Worker
  /// What this rank updates of each bucket.
  private let parts: [Range<Int>]
  /// One per bucket, on the ranks' own parameter vectors.
  private let spreads: [ScheduleRunner]
  /// Where there is one vector for all.
  private let meeting: ScheduleRunner?
  private var spreading = 0..<0

  /// Plans once; a step allocates nothing.
  init(_ worker: Worker) {
    let (plan, group, replica) = (worker.plan, worker.group, worker.replica)
    self.worker = worker
    parts = plan.buckets.ranges.indices.map { plan.updated($0, by: group.rank) }
    guard plan.isSharded else {
      (spreads, meeting) = ([], nil)
      return
    }
    // Gradients use the tags below.
    let firstTag = plan.buckets.ranges.count
    func runner(_ schedule: Schedule, _ number: Int) -> ScheduleRunner {
      let runner = group.runner(
        schedule, on: replica.parameterVector, tag: firstTag + number, kernels: worker.kernels)
      runner.record(in: worker.trace)
      return runner
    }
    if replica.sharesParameters {
      (spreads, meeting) = ([], runner(Schedule([[.fence]]), 0))
    } else {
      spreads = plan.buckets.ranges.indices.map { runner(plan.spread($0, rank: group.rank), $0) }
      meeting = nil
    }
  }

  /// To be called after the backward pass, before the first update of the step.
  func begin() throws(MessagingError) { try meet() }

  /// Updates this rank's part of a bucket, and sends it on its way. Buckets come in order.
  func update(_ bucket: Int, _ step: UpdateStep) throws(MessagingError) {
    worker.update(parts[bucket], step)
    guard !spreads.isEmpty else { return }
    spreading = 0..<bucket + 1
    try worker.communicating { () throws(MessagingError) in
      try spreads[bucket].start(on: worker.replica.parameterVector.buffer.values)
      for number in spreading { _ = try spreads[number].advance() }
    }
  }

  /// Waits until all parameters are new.
  func finish() throws(MessagingError) {
    try worker.waiting { () throws(MessagingError) in
      for number in spreading { try spreads[number].finish() }
    }
    spreading = 0..<0
    try meet()
  }

  private func meet() throws(MessagingError) {
    guard let meeting else { return }
    try worker.waiting { () throws(MessagingError) in
      try meeting.run(on: worker.replica.parameterVector.buffer.values)
    }
  }
}
