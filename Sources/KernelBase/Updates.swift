// One step of an optimizer in one pass over memory: PyTorch's SGD (20 bytes of traffic per
// parameter with momentum), Adam and AdamW (28 bytes).

import CSIMD
import KernelABI

extension VectorKernels {
  /// g = scale gradient + decay w; v = momentum v + g; w -= rate (g + momentum v, or v).
  public static func sgd(
    _ rule: SGDRule, count: Int, gradients: FloatsIn, parameters: FloatsOut, velocity: FloatsOut?
  ) {
    let scale = Wide(repeating: rule.gradientScale)
    guard let velocity else {
      forEachWide(count) { i, lanes in
        let w = parameters[i, lanes]
        let g = csimd_fma(rule.decay, w, csimd_multiply(scale, gradients[i, lanes]))
        parameters[i, lanes] = csimd_fma(-rule.rate, g, w)
      }
      return
    }
    // The first step takes the gradient alone: whatever lies in the velocity must not count, and
    // zero times it would, were it NaN.
    if rule.first { velocity.update(repeating: 0, count: count) }
    let momentum = rule.first ? 0 : rule.momentum
    forEachWide(count) { i, lanes in
      let w = parameters[i, lanes]
      let g = csimd_fma(rule.decay, w, csimd_multiply(scale, gradients[i, lanes]))
      let v = csimd_fma(momentum, velocity[i, lanes], g)
      velocity[i, lanes] = v
      let step = rule.nesterov ? csimd_fma(rule.momentum, v, g) : v
      parameters[i, lanes] = csimd_fma(-rule.rate, step, w)
    }
  }

  /// m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
  /// w -= rate / correction1 * m / (sqrt(v) / rootCorrection2 + epsilon).
  public static func adam(
    _ rule: AdamRule, count: Int, gradients: FloatsIn, parameters: FloatsOut,
    firstMoment: FloatsOut, secondMoment: FloatsOut
  ) {
    let scale = Wide(repeating: rule.gradientScale)
    let decay = rule.decoupled ? 0 : rule.decay
    let shrink = Wide(repeating: rule.decoupled ? 1 - rule.rate * rule.decay : 1)
    let (beta1, beta2) = (Wide(repeating: rule.beta1), Wide(repeating: rule.beta2))
    let rate = Wide(repeating: rule.rate / rule.correction1)
    let inverse = 1 / rule.rootCorrection2
    let epsilon = Wide(repeating: rule.epsilon)
    forEachWide(count) { i, lanes in
      let w = parameters[i, lanes]
      let g = csimd_fma(decay, w, csimd_multiply(scale, gradients[i, lanes]))
      let m = csimd_fma(rule.complement1, g, csimd_multiply(beta1, firstMoment[i, lanes]))
      let v = csimd_fma(
        rule.complement2, csimd_multiply(g, g), csimd_multiply(beta2, secondMoment[i, lanes]))
      firstMoment[i, lanes] = m
      secondMoment[i, lanes] = v
      let denominator = csimd_fma(inverse, csimd_sqrt(v), epsilon)
      let step = csimd_divide(csimd_multiply(rate, m), denominator)
      parameters[i, lanes] = csimd_subtract(csimd_multiply(shrink, w), step)
    }
  }
}
