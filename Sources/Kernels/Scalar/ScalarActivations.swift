// Activations and dropout by their definitions, in double precision.

import KernelABI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// 1 / (1 + exp(-x)).
func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

/// Probability that a normal variable is below x.
private func normalProbability(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

extension ScalarKernels {
  /// y = kind(x).
  public static func activation(_ kind: ActivationKind, _ count: Int, x: FloatsIn, y: FloatsOut) {
    for i in 0..<count {
      let value = Double(x[i])
      switch kind {
      case .relu: y[i] = rectified(x[i])
      case .gelu: y[i] = Float(value * normalProbability(value))
      case .tanh: y[i] = Float(tanh(value))
      case .sigmoid: y[i] = Float(logistic(value))
      case .silu: y[i] = Float(value * logistic(value))
      }
    }
  }

  /// dx = dy kind'(x).
  public static func activationBackward(
    _ kind: ActivationKind, _ count: Int, x: FloatsIn, y: FloatsIn, dy: FloatsIn, dx: FloatsOut
  ) {
    for i in 0..<count {
      let value = Double(kind.derivativeNeedsInput ? x[i] : y[i])
      let derivative: Double
      switch kind {
      case .relu:  // A closed gate keeps even NaN back.
        dx[i] = value > 0 ? dy[i] : 0
        continue
      case .gelu:
        let density = exp(-value * value / 2) / (2 * Double.pi).squareRoot()
        derivative = normalProbability(value) + value * density
      case .tanh: derivative = 1 - value * value
      case .sigmoid: derivative = value * (1 - value)
      case .silu:
        let s = logistic(value)
        derivative = s * (1 + value * (1 - s))
      }
      dx[i] = Float(Double(dy[i]) * derivative)
    }
  }

  /// y = kind(x) and derivative = kind'(x).
  public static func activationWithDerivative(
    _ kind: ActivationKind, _ count: Int, x: FloatsIn, y: FloatsOut, derivative: FloatsOut
  ) {
    for i in 0..<count {
      let (value, one) = (x[i], Float(1))
      withUnsafePointer(to: value) { value in
        activation(kind, 1, x: value, y: y + i)
        withUnsafePointer(to: one) {
          activationBackward(kind, 1, x: value, y: y + i, dy: $0, dx: derivative + i)
        }
      }
    }
  }

  /// One hash per element.
  public static func dropout(
    _ count: Int, rate: Float, key: UInt64, counter: UInt64, x: FloatsIn, y: FloatsOut
  ) {
    let rule = DropoutRule(rate: rate)
    for i in 0..<count {
      let place = counter &+ UInt64(i)
      let keys = DropoutRule.keys(key, high: UInt32(truncatingIfNeeded: place >> 32))
      let first = finalised(UInt32(truncatingIfNeeded: place) ^ keys.first)
      let hash = finalised(first ^ keys.second)
      y[i] = Int32(hash >> 1) >= rule.limit ? rule.factor * x[i] : 0
    }
  }

  /// MurmurHash3's finaliser.
  private static func finalised(_ value: UInt32) -> UInt32 {
    var a = (value ^ value >> 16) &* 0x85eb_ca6b
    a = (a ^ a >> 13) &* 0xc2b2_ae35
    return a ^ a >> 16
  }
}
