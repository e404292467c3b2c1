// The all-reduce of a whole vector at once, for methods that exchange something else than gradients
// or at other times than during backward (where `GradientFlight` belongs): all buckets are started,
// then finished in the same order. Bytes per rank: those of the job's all-reduce algorithm.

import Basics
import Collectives
import Messaging

/// Sums a vector that is laid out like the parameters over all ranks; all get the same bits.
final class VectorSum {
  private let worker: Worker
  private let plan: BucketPlan
  private let runners: [ScheduleRunner]
  private let buffer: FloatBuffer

  /// Plans buckets and schedules once; running allocates nothing.
  ///
  /// - Parameter vector: what is summed: its first `layout.count` floats.
  init(_ worker: Worker, of vector: GroupVector) {
    let (layout, group) = (worker.replica.layout, worker.group)
    let plan = BucketPlan(layout: layout, count: layout.count, bytes: worker.bucketBytes)
    (self.worker, self.plan, buffer) = (worker, plan, vector.buffer)
    guard group.size > 1 else {
      runners = []
      return
    }
    runners = plan.ranges.enumerated().map { number, range in
      group.runner(
        worker.allReduce.schedule(
          rank: group.rank, topology: group.topology, count: range.count),
        on: vector, tag: number, kernels: worker.kernels)
    }
  }

  /// Replaces the vector by its sum. Collective.
  func run() throws(MessagingError) {
    try worker.communicating { () throws(MessagingError) in
      for (range, runner) in zip(plan.ranges, runners) { try runner.start(on: buffer[range]) }
      for runner in runners { try runner.finish() }
    }
  }
}
