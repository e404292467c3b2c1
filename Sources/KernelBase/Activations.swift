// Activations and their derivatives: 8 and 12 bytes of traffic per element (16 where the derivative
// needs x), bound by memory when the data come from there.

import CSIMD
import KernelABI

/// y = f(x).
@inline(__always)
private func map(_ count: Int, _ x: FloatsIn, _ y: FloatsOut, _ f: (Half) -> Half) {
  forEachHalf(count) { i, lanes in f(Half.load(x + i, lanes)).store(y + i, lanes) }
}

/// dx = dy derivative(value).
@inline(__always)
private func mapBackward(
  _ count: Int, _ value: FloatsIn, _ dy: FloatsIn, _ dx: FloatsOut, _ derivative: (Half) -> Half
) {
  forEachHalf(count) { i, lanes in
    let factor = derivative(Half.load(value + i, lanes))
    csimd_multiply(Half.load(dy + i, lanes), factor).store(dx + i, lanes)
  }
}

extension VectorKernels {
  /// One exponential or less, and one division, per element.
  public static func activation(_ kind: ActivationKind, _ count: Int, x: FloatsIn, y: FloatsOut) {
    switch kind {
    case .relu: forEachWide(count) { i, lanes in y[i, lanes] = csimd_max(Wide(), x[i, lanes]) }
    case .gelu: map(count, x, y) { csimd_multiply($0, normalDistribution($0).probability) }
    case .tanh: map(count, x, y) { hyperbolicTangent($0) }
    case .sigmoid: map(count, x, y) { sigmoid($0) }
    case .silu: map(count, x, y) { csimd_multiply($0, sigmoid($0)) }
    }
  }

  /// gelu' = probability + x density; tanh' = 1 - y^2; sigmoid' = y (1 - y);
  /// silu' = s (1 + x (1 - s)) with s = sigmoid(x).
  public static func activationBackward(
    _ kind: ActivationKind, _ count: Int, x: FloatsIn, y: FloatsIn, dy: FloatsIn, dx: FloatsOut
  ) {
    let one = Half(repeating: 1)
    switch kind {
    case .relu:
      forEachWide(count) { i, lanes in
        dx[i, lanes] = csimd_select(csimd_greater(y[i, lanes], Wide()), dy[i, lanes], Wide())
      }
    case .gelu:
      mapBackward(count, x, dy, dx) {
        let (probability, density) = normalDistribution($0)
        return csimd_fma(0.3989422804014327, csimd_multiply($0, density), probability)
      }
    case .tanh:
      mapBackward(count, y, dy, dx) { csimd_subtract(one, csimd_multiply($0, $0)) }
    case .sigmoid:
      mapBackward(count, y, dy, dx) { csimd_multiply($0, csimd_subtract(one, $0)) }
    case .silu:
      mapBackward(count, x, dy, dx) {
        // 1 - s = exp(-x) s, without cancellation.
        let e = exponential(csimd_min(Half(repeating: 87), csimd_subtract(Half(), $0)))
        let s = csimd_divide(one, csimd_add(one, e))
        return csimd_multiply(s, csimd_fma($0, csimd_multiply(e, s), one))
      }
    }
  }
}

extension VectorKernels {
  /// What both have in common is computed once: 12 bytes of traffic per element, and no more
  /// arithmetic than the derivative takes alone.
  public static func activationWithDerivative(
    _ kind: ActivationKind, _ count: Int, x: FloatsIn, y: FloatsOut, derivative: FloatsOut
  ) {
    let one = Half(repeating: 1)
    switch kind {
    case .gelu:
      forEachHalf(count) { i, lanes in
        let value = Half.load(x + i, lanes)
        let (probability, density) = normalDistribution(value)
        csimd_multiply(value, probability).store(y + i, lanes)
        csimd_fma(0.3989422804014327, csimd_multiply(value, density), probability)
          .store(derivative + i, lanes)
      }
    case .silu:
      forEachHalf(count) { i, lanes in
        let value = Half.load(x + i, lanes)
        let e = exponential(csimd_min(Half(repeating: 87), csimd_subtract(Half(), value)))
        let s = csimd_divide(one, csimd_add(one, e))
        csimd_multiply(value, s).store(y + i, lanes)
        csimd_multiply(s, csimd_fma(value, csimd_multiply(e, s), one)).store(derivative + i, lanes)
      }
    case .relu, .tanh, .sigmoid:
      activation(kind, count, x: x, y: y)
      derivative.update(repeating: 1, count: count)
      activationBackward(
        kind, count, x: FloatsIn(y), y: FloatsIn(y), dy: FloatsIn(derivative), dx: derivative)
    }
  }
}
