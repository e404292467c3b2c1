// The all-reduce of a whole vector at once, for methods that exchange something else than gradients
// or at other times than during backward (where `GradientFlight` belongs): all buckets are started,
// then finished in the same order. Bytes per rank: those of the job's all-reduce algorithm.

import Basics
import Collectives
import Messaging

/// Sums vectors that are laid out like the parameters over all ranks; all get the same bits.
final class VectorSum {
  private let worker: Worker
  private let plan: BucketPlan
  private let runners: [ScheduleRunner]

  /// Plans buckets and schedules once; running allocates nothing.
  ///
  /// - Parameter firstTag: bucket k uses the tag `firstTag` + k; the same on all ranks.
  init(_ worker: Worker, firstTag: Int = 0) {
    let (layout, communicator) = (worker.replica.layout, worker.communicator)
    let plan = BucketPlan(layout: layout, count: layout.count, bytes: worker.bucketBytes)
    (self.worker, self.plan) = (worker, plan)
    guard communicator.size > 1 else {
      runners = []
      return
    }
    runners = plan.ranges.enumerated().map { number, range in
      ScheduleRunner(
        worker.allReduce.schedule(
          rank: communicator.rank, ranks: communicator.size, count: range.count),
        communicator: communicator, tag: firstTag + number, kernels: worker.kernels)
    }
  }

  /// Replaces the first `layout.count` floats of `vector` by their sums. Collective.
  func run(on vector: FloatBuffer) throws(MessagingError) {
    try worker.communicating { () throws(MessagingError) in
      for (range, runner) in zip(plan.ranges, runners) { try runner.start(on: vector[range]) }
      for runner in runners { try runner.finish() }
    }
  }
}
