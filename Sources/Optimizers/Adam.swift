// Adam (Kingma, Ba: Adam: a method for stochastic optimization, ICLR 2015, algorithm 1), with
// epsilon outside of the root and after the bias correction, as in the paper and PyTorch.
//
//   g <- g + decay w;  m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2
//   w <- w - rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
//
// Memory: two vectors.

import Basics
import Kernels

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Adam; weight decay is added to the gradient, as an L2 penalty is.
public struct Adam: Optimizer, Configurable {
  /// Name in the catalogue.
  public static let name = "adam"
  /// One line for a list.
  public static let summary = "adaptive moments (Kingma, Ba 2015)"
  /// Hyper-parameters and their defaults.
  public static let settings =
    AdamMoments.settings + [
      Setting("weight_decay", default: "0", help: "added to the gradient, times the parameter")
    ]

  /// Decay rates of the moments, and epsilon.
  public let moments: AdamMoments
  /// L2 penalty's factor.
  public let weightDecay: Float

  /// Adam with the paper's defaults.
  public init(moments: AdamMoments = AdamMoments(), weightDecay: Float = 0) {
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
      decay: weightDecay, decoupled: false)
  }
}

/// What Adam and AdamW share: the moments' decay rates, the bias corrections, and the call.
public struct AdamMoments: Sendable, Equatable {
  static let settings = [
    Setting("beta1", default: "0.9", help: "decay rate of the first moment"),
    Setting("beta2", default: "0.999", help: "decay rate of the second moment"),
    Setting("epsilon", default: "1e-8", help: "added to the root of the second moment"),
  ]
  static let slots = ["first_moment", "second_moment"]

  /// Decay rates of the mean and of the uncentred variance, from 0 to below 1. In double precision:
  /// rounding 0.999 to 32 bits would move 1 - beta2 by 1e-5 of itself.
  public let beta1, beta2: Double
  /// Added to the root of the second moment; above 0.
  public let epsilon: Float

  /// The paper's defaults.
  public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Float = 1e-8) {
    (self.beta1, self.beta2, self.epsilon) = (beta1, beta2, epsilon)
  }

  init(_ settings: Settings) throws(SettingError) {
    self.init(
      beta1: try settings.double("beta1", .from(0, below: 1)),
      beta2: try settings.double("beta2", .from(0, below: 1)),
      epsilon: try settings.float("epsilon", .above(0)))
  }

  func update(
    _ range: Range<Int>, parameters: FloatBuffer, gradients: FloatBuffer, state: OptimizerState,
    step: UpdateStep, decay: Float, decoupled: Bool
  ) {
    precondition(state.slots.count == 2, "adam keeps 2 vectors")
    precondition(step.number >= 1, "steps count from 1")
    let t = Double(step.number)
    let rule = AdamRule(
      rate: step.learningRate, beta1: Float(beta1), beta2: Float(beta2), epsilon: epsilon,
      decay: decay, gradientScale: step.gradientScale, correction1: Float(1 - pow(beta1, t)),
      rootCorrection2: Float((1 - pow(beta2, t)).squareRoot()), decoupled: decoupled,
      complement1: Float(1 - beta1), complement2: Float(1 - beta2))
    step.kernels.adam(
      rule, count: range.count, gradients: FloatsIn(gradients[range].baseAddress!),
      parameters: parameters[range].baseAddress!, firstMoment: state.values(0, range),
      secondMoment: state.values(1, range))
  }
}
