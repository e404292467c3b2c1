// AdamW: Adam with weight decay that acts on the parameter itself and not through the moments
// (Loshchilov, Hutter: Decoupled weight decay regularization, ICLR 2019, algorithm 2), scaled by
// the learning rate as in PyTorch.
//
//   w <- w - rate decay w, then Adam's step without decay
//
// Memory: two vectors.

import Basics
import Kernels

/// Adam with decoupled weight decay.
public struct AdamW: Optimizer, Configurable {
  /// Name in the catalogue.
  public static let name = "adamw"
  /// One line for a list.
  public static let summary = "Adam with decoupled weight decay (Loshchilov, Hutter 2019)"
  /// Hyper-parameters and their defaults.
  public static let settings =
    AdamMoments.settings + [
      Setting("weight_decay", default: "0.01", help: "share of the parameter lost per unit of rate")
    ]

  /// Decay rates of the moments, and epsilon.
  public let moments: AdamMoments
  /// Share of the parameter lost per step and unit of learning rate.
  public let weightDecay: Float

  /// AdamW with PyTorch's defaults.
  public init(moments: AdamMoments = AdamMoments(), weightDecay: Float = 0.01) {
    (self.moments, self.weightDecay) = (moments, weightDecay)
  }

  /// Reads and checks the hyper-parameters.
  public init(_ settings: Settings) throws(SettingError) {
    self.init(
      moments: try AdamMoments(settings),
      weightDecay: try settings.float("weight_decay", .atLeast(0)))
  }

  /// Vectors kept from step to step.
  public var slots: [String] { AdamMoments.slots }

  /// One step; any range is valid, and its values do not depend on how ranges are cut.
  public func update(
    _ range: Range<Int>, parameters: FloatBuffer, gradients: FloatBuffer, state: OptimizerState,
    step: UpdateStep
  ) {
    moments.update(
      range, parameters: parameters, gradients: gradients, state: state, step: step,
      decay: weightDecay, decoupled: true)
  }
}
