// One step of an optimizer, in single precision like every other variant: PyTorch's SGD, Adam and
// AdamW.

import KernelABI

extension ScalarKernels {
  /// One element after the other.
  public static func sgd(
    _ rule: SGDRule, count: Int, gradients: FloatsIn, parameters: FloatsOut, velocity: FloatsOut?
  ) {
    for i in 0..<count {
      var step = rule.gradientScale * gradients[i] + rule.decay * parameters[i]
      if let velocity {
        let v = rule.first ? step : rule.momentum * velocity[i] + step
        velocity[i] = v
        step = rule.nesterov ? step + rule.momentum * v : v
      }
      parameters[i] -= rule.rate * step
    }
  }

  /// One element after the other.
  public static func adam(
    _ rule: AdamRule, count: Int, gradients: FloatsIn, parameters: FloatsOut,
    firstMoment: FloatsOut, secondMoment: FloatsOut
  ) {
    for i in 0..<count {
      var (g, w) = (rule.gradientScale * gradients[i], parameters[i])
      if rule.decoupled { w *= 1 - rule.rate * rule.decay } else { g += rule.decay * w }
      let m = rule.beta1 * firstMoment[i] + rule.complement1 * g
      let v = rule.beta2 * secondMoment[i] + rule.complement2 * g * g
      firstMoment[i] = m
      secondMoment[i] = v
      let denominator = v.squareRoot() / rule.rootCorrection2 + rule.epsilon
      parameters[i] = w - rule.rate / rule.correction1 * m / denominator
    }
  }
}
