// Dropout (Srivastava et al.: Dropout, JMLR 2014): in training each number is set to zero with a given
// probability, and the others are scaled so that the mean stays. Which, is a function of the run's
// seed, the layer, epoch, step, and the sample's place in the step: the same on any number of ranks,
// and nothing needs to be kept for the backward pass.

import Basics
import Kernels

/// y = x with a share of `rate` set to zero, in training.
public struct Dropout: Layer {
  /// Probability to be set to zero.
  public let rate: Float

  /// A layer that drops numbers.
  public init(_ rate: Float) {
    precondition(rate >= 0 && rate < 1, "a dropout rate is from 0 to below 1")
    self.rate = rate
  }

  public var summary: String { "dropout \(rate)" }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    try context.numbers(summary)
    var plan = LayerPlan(output: context.input)
    (plan.keepsInput, plan.keepsOutput) = (false, false)
    plan.operations = context.input.count
    return plan
  }

  private func drop(_ pass: LayerPass, from x: FloatsIn, to y: FloatsOut) {
    let batch = pass.batch
    let random = CounterRandom(seed: batch.seed, stream: .dropout, substream: UInt64(pass.number))
    let size = pass.input.count
    pass.kernels.dropout(
      pass.count * size, rate: rate,
      key: random.bits(UInt64(batch.epoch) << 32 | UInt64(batch.step)),
      counter: UInt64(batch.offset + pass.first) * UInt64(size), x: x, y: y)
  }

  public func forward(_ pass: LayerPass) {
    if pass.isTraining {
      drop(pass, from: pass.x, to: pass.y)
    } else {
      pass.y.update(from: pass.x, count: pass.count * pass.input.count)
    }
  }

  public func backward(_ pass: LayerPass) {
    guard let dx = pass.dx else { return }
    drop(pass, from: FloatsIn(pass.dy), to: dx)
  }
}
