// Local SGD, also called model or parameter averaging (McDonald, Hall, Mann 2010; Stich: Local SGD
// converges fast and communicates little, ICLR 2019, arXiv 1805.09767): every rank makes tau steps
// by itself on its own share of the data, then the parameters are averaged.
//
//   tau times, on rank i:  g = (1 / b_i) sum over its b_i samples;  w_i <- optimizer(w_i, g)
//   then, on all:          w_i <- w = a + sum over i of (n_i / n) (w_i - a)
//
// a are the parameters that the block of tau steps began with, n_i the samples that rank i used in
// it, n = sum of the n_i. Weighting by samples keeps unequal shares right: with tau = 1 and plain
// SGD this is `sync`. Averaging what was gained since a, not w_i itself, keeps weights that add up
// to 1 only nearly from shrinking or growing the parameters. The optimizer's state stays local, as
// in the literature's plain form, and so does clipping (the norm is that of the rank's gradient).
//
// Bytes per rank: the all-reduce's, once in tau steps. Memory: a, one vector.

import Basics
import Kernels
import Layers
import Messaging
import Optimizers

/// Method `local-sgd`.
public final class LocalSGD: Strategy {
  public static let name = "local-sgd"
  public static let summary = "every rank trains by itself; parameters averaged now and then"
  public static let settings = [
    Setting("tau", default: "8", help: "local steps between two averagings")
  ]

  /// Local steps between two averagings.
  let tau: Int

  private let worker: Worker
  private let sum: VectorSum
  private let anchor: FloatBuffer  // a
  private let block = StoredNumbers(3)

  /// What `block` holds of the block under way.
  private enum Count {
    static let steps = 0, ownSamples = 1, samples = 2
  }

  public init(_ worker: Worker, _ settings: Settings) throws {
    tau = try settings.int("tau", .from(1, to: 1_048_576))
    self.worker = worker
    sum = VectorSum(worker, of: worker.replica.gradientVector)
    anchor = FloatBuffer(count: worker.replica.layout.count)
    anchor.copy(from: worker.replica.parameters)
  }

  public func step(_ batch: Batch) throws(MessagingError) -> StepReport {
    let report = localStep(batch)
    block[Count.steps] += 1
    block[Count.ownSamples] += batch.count
    block[Count.samples] += batch.globalCount
    if block[Count.steps] >= tau {
      let parameters = worker.replica.parameters
      parameters.pointer.update(from: try average(), count: parameters.count)
      anchor.copy(from: parameters)
      for count in 0..<3 { block[count] = 0 }
    }
    return report
  }

  /// One step of the rank's own optimizer; the mean is that of the rank's own samples.
  private func localStep(_ batch: Batch) -> StepReport {
    var own = batch
    own.globalCount = batch.count
    let (replica, objective) = (worker.replica, worker.objective)
    var loss = LossSum()
    if own.count > 0 {
      loss = objective.gradient(
        of: own, at: FloatsIn(replica.parameters.pointer), into: replica.gradients.pointer,
        observer: nil)
      worker.update(
        0..<replica.layout.count, worker.nextUpdate(gradientScale: worker.clippingFactor()))
    }
    // A rank that had no sample counts the step too: rates follow the run, not the rank.
    replica.updates += 1
    return StepReport(
      loss: loss.loss, correct: Double(loss.correct), samples: own.count, isGlobal: false)
  }

  /// The average of all ranks' parameters, in the memory of the gradients, which are of no use
  /// between steps. Collective; changes nothing else.
  private func average() throws(MessagingError) -> FloatsIn {
    let replica = worker.replica
    guard worker.communicator.size > 1, block[Count.steps] > 0 else {
      return FloatsIn(replica.parameters.pointer)
    }
    let (kernels, count, mean) = (worker.kernels, replica.layout.count, replica.gradients)
    let weight = Float(Double(block[Count.ownSamples]) / Double(block[Count.samples]))
    mean.pointer.update(from: replica.parameters.pointer, count: count)
    kernels.addScaled(count, factor: -1, x: FloatsIn(anchor.pointer), y: mean.pointer)
    kernels.scale(count, factor: weight, y: mean.pointer)
    try sum.run()
    kernels.add(count, x: FloatsIn(anchor.pointer), y: mean.pointer)
    return FloatsIn(mean.pointer)
  }

  public var state: [StateVector] {
    [
      StateVector("parameters", worker.replica.parameters, scope: .perRank),
      StateVector("anchor", anchor, scope: .shared),
      StateVector("block", block.buffer, scope: .perRank),
    ]
  }

  public var optimizerScope: StateVector.Scope { .perRank }

  public func model() throws(MessagingError) -> FloatsIn { try average() }
}
