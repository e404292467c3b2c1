// Synchronous data-parallel training (Goyal et al. 2017, arXiv 1706.02677): every rank computes the
// gradient of its share of the global batch, the gradients are summed over ranks, and every rank
// makes the same update with whatever optimizer was chosen.
//
//   g = (1 / B) sum over ranks i and their samples j of grad_ij,   B = sum of the b_i
//   w <- optimizer(w, g)
//
// With `--update sharded` a rank updates only what it owns of w; see `GradientPlan`.
//
// Dividing every sample's gradient by the union batch's B weights unequal shares as they should be.
// Bytes per rank and step: those of the all-reduce, 2 (n-1)/n of the parameters for `ring`.

import Basics
import Kernels
import Messaging

/// Method `sync`.
public final class SynchronousSGD: Strategy {
  public static let name = "sync"
  public static let summary = "gradients of all ranks averaged in every step"
  public static let sumsGradients = true

  private let worker: Worker
  private let flight: GradientFlight
  private let update: BucketUpdate

  public init(_ worker: Worker, _ settings: Settings) throws {
    self.worker = worker
    flight = try GradientFlight(worker)
    update = BucketUpdate(worker)
  }

  public func step(_ batch: Batch) throws(MessagingError) -> StepReport {
    let report: StepReport
    if worker.clip == nil {
      let step = worker.nextUpdate()
      report = try flight.gradient(of: batch) { bucket throws(MessagingError) in
        if bucket == 0 { try update.begin() }
        try update.update(bucket, step)
      }
    } else {
      // The norm is that of the whole gradient: no update before all of it is there.
      report = try flight.gradient(of: batch) { _ in }
      let step = worker.nextUpdate(gradientScale: worker.clippingFactor())
      try update.begin()
      for bucket in worker.plan.buckets.ranges.indices { try update.update(bucket, step) }
    }
    try update.finish()
    worker.replica.updates += 1
    return report
  }

  public var state: [StateVector] { [] }

  public func model() -> FloatsIn { FloatsIn(worker.replica.parameters.pointer) }
}
