// Functions of one vector that activations and gates are made of. NaN stays NaN, because limits are
// applied with the lane as second operand, which is what the processor returns where one is NaN.

import CSIMD
import KernelABI

/// 1 / (1 + exp(-x)) of every lane, at most 2e-7 off; for x below -87 it stays at 1.6e-38, above
/// the subnormal numbers.
@inline(__always)
func sigmoid<V: Arithmetic>(_ x: V) -> V {
  V.divide(V(repeating: 1), sigmoidDenominator(x, lowest: -87))
}

/// 1 + exp(-x), whose reciprocal is the sigmoid, for x from `lowest` on.
@inline(__always)
func sigmoidDenominator<V: Arithmetic>(_ x: V, lowest: Float) -> V {
  V.add(V(repeating: 1), exponential(V.min(V(repeating: -lowest), V.subtract(V(), x))))
}

/// Two sigmoids for one division, the slowest of their instructions: with r = 1 / (a b), 1 / a is
/// r b. Below -43 they stay at 2e-19, so that the product of denominators is finite.
@inline(__always)
func sigmoids<V: Arithmetic>(_ x: V, _ y: V) -> (V, V) {
  let (a, b) = (sigmoidDenominator(x, lowest: -43), sigmoidDenominator(y, lowest: -43))
  let reciprocal = V.divide(V(repeating: 1), V.multiply(a, b))
  return (V.multiply(reciprocal, b), V.multiply(reciprocal, a))
}

/// tanh of every lane, at most 4e-7 off and never beyond 1, as a fraction: x P(x^2) / Q(x^2), P of
/// degree 6 and Q of degree 3, minimax up to the limit, where the quotient rounds to 1 (the
/// coefficients are Eigen's).
@inline(__always)
func hyperbolicTangentParts<V: Arithmetic>(_ x: V) -> (numerator: V, denominator: V) {
  let limit: Float = 7.90531110763549805
  let x = V.max(V(repeating: -limit), V.min(V(repeating: limit), x))
  let square = V.multiply(x, x)
  var p = V(repeating: -2.76076847742355e-16)
  p = V.fma(p, square, V(repeating: 2.00018790482477e-13))
  p = V.fma(p, square, V(repeating: -8.60467152213735e-11))
  p = V.fma(p, square, V(repeating: 5.12229709037114e-08))
  p = V.fma(p, square, V(repeating: 1.48572235717979e-05))
  p = V.fma(p, square, V(repeating: 6.37261928875436e-04))
  p = V.fma(p, square, V(repeating: 4.89352455891786e-03))
  var q = V(repeating: 1.19825839466702e-06)
  q = V.fma(q, square, V(repeating: 1.18534705686654e-04))
  q = V.fma(q, square, V(repeating: 2.26843463243900e-03))
  q = V.fma(q, square, V(repeating: 4.89352518554385e-03))
  return (V.multiply(x, p), q)
}

/// tanh of every lane; see `hyperbolicTangentParts`.
@inline(__always)
func hyperbolicTangent<V: Arithmetic>(_ x: V) -> V {
  let (numerator, denominator) = hyperbolicTangentParts(x)
  return V.divide(numerator, denominator)
}

/// The normal distribution at every lane: the probability of less than x, at most 3e-7 off, and the
/// density times sqrt(2 pi). The smaller tail is exp(-x^2 / 2) t P(t), t = 1 / (1 + 0.275 |x|), as
/// in Abramowitz and Stegun 7.1.26 with one more term, so that x times the tail fades out as it
/// should.
@inline(__always)
func normalDistribution(_ x: Half) -> (probability: Half, density: Half) {
  let positive = csimd_greater(x, Half())
  let magnitude = csimd_select(positive, x, csimd_subtract(Half(), x))
  let density = powerOfTwo(
    csimd_multiply(Half(repeating: -0.72134752), csimd_multiply(x, x)))
  let one = Half(repeating: 1)
  let t = csimd_divide(one, csimd_fma(0.275, magnitude, one))
  var p = Half(repeating: -0.11416555941104889)
  p = csimd_fma(p, t, Half(repeating: 0.4491645395755768))
  p = csimd_fma(p, t, Half(repeating: -0.3263885974884033))
  p = csimd_fma(p, t, Half(repeating: 0.3302193880081177))
  p = csimd_fma(p, t, Half(repeating: 0.04359671100974083))
  p = csimd_fma(p, t, Half(repeating: 0.11757352948188782))
  let tail = csimd_multiply(density, csimd_multiply(p, t))
  return (csimd_select(positive, csimd_subtract(one, tail), tail), density)
}

/// Natural logarithm of every lane, at most 2e-7 or two units in the last place off, for positive
/// normal numbers: x = 2^n m, m in sqrt(1/2)..<sqrt(2), log(m) = 2 atanh(s) with
/// s = (m - 1) / (m + 1), by its series to s^9. NaN stays NaN.
@inline(__always)
func logarithm(_ x: Half) -> Half {
  let n = csimd_exponent(x)
  let m = csimd_significand(x)
  let one = Half(repeating: 1)
  let s = csimd_divide(csimd_subtract(m, one), csimd_add(m, one))
  let square = csimd_multiply(s, s)
  var p = Half(repeating: 2.0 / 9)
  p = csimd_fma(p, square, Half(repeating: 2.0 / 7))
  p = csimd_fma(p, square, Half(repeating: 2.0 / 5))
  p = csimd_fma(p, square, Half(repeating: 2.0 / 3))
  p = csimd_fma(p, square, Half(repeating: 2))
  // The smaller of it and x is always the logarithm, but for NaN, which n and m know nothing of.
  return csimd_min(csimd_fma(0.6931472, n, csimd_multiply(p, s)), x)
}
