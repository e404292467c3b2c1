// Stochastic gradient descent with momentum, in PyTorch's form: the learning rate is outside of the
// velocity, so that a schedule acts at once (Sutskever, Martens, Dahl, Hinton: On the importance of
// initialization and momentum in deep learning, ICML 2013; Goyal et al. 2017, section 3).
//
//   g <- g + decay w;  v <- momentum v + g;  w <- w - rate v
//   Nesterov:                                w <- w - rate (g + momentum v)
//
// Memory: one vector with momentum, none without.

import Basics
import Kernels

/// SGD with momentum, Nesterov's look-ahead and L2 weight decay.
public struct SGD: Optimizer, Configurable {
  /// Name in the catalogue.
  public static let name = "sgd"
  /// One line for a list.
  public static let summary = "stochastic gradient descent with momentum"
  /// Hyper-parameters and their defaults.
  public static let settings = [
    Setting("momentum", default: "0", help: "share of the last step's velocity that is kept"),
    Setting("nesterov", default: "false", help: "look ahead along the velocity"),
    Setting("weight_decay", default: "0", help: "added to the gradient, times the parameter"),
  ]

  /// Share of the velocity kept from step to step, from 0 to below 1.
  public let momentum: Float
  /// Whether the step looks ahead along the velocity.
  public let nesterov: Bool
  /// L2 penalty's factor.
  public let weightDecay: Float

  /// SGD; Nesterov's form needs momentum.
  public init(momentum: Float = 0, nesterov: Bool = false, weightDecay: Float = 0) {
    precondition(!nesterov || momentum > 0, "Nesterov's form needs momentum")
    (self.momentum, self.nesterov, self.weightDecay) = (momentum, nesterov, weightDecay)
  }

  /// Reads and checks the hyper-parameters.
  public init(_ settings: Settings) throws(SettingError) {
    let momentum = try settings.float("momentum", .from(0, below: 1))
    let nesterov = try settings.bool("nesterov")
    if nesterov && momentum == 0 {
      throw SettingError(setting: "nesterov", value: "true", allowed: "momentum above 0")
    }
    self.init(
      momentum: momentum, nesterov: nesterov,
      weightDecay: try settings.float("weight_decay", .atLeast(0)))
  }

  /// Vectors kept from step to step.
  public var slots: [String] { momentum == 0 ? [] : ["velocity"] }

  /// One step; any range is valid, and its values do not depend on how ranges are cut.
  public func update(
    _ range: Range<Int>, parameters: FloatBuffer, gradients: FloatBuffer, state: OptimizerState,
    step: UpdateStep
  ) {
    precondition(state.slots.count == slots.count, "sgd keeps \(slots.count) vectors")
    let rule = SGDRule(
      rate: step.learningRate, momentum: momentum, decay: weightDecay,
      gradientScale: step.gradientScale, nesterov: nesterov, first: step.number == 1)
    step.kernels.sgd(
      rule, count: range.count, gradients: FloatsIn(gradients[range].baseAddress!),
      parameters: parameters[range].baseAddress!,
      velocity: momentum == 0 ? nil : state.values(0, range))
  }
}
