// exp, for one vector: x = n ln 2 + r with |r| <= ln 2 / 2, exp(x) = 2^n exp(r), exp(r) by a
// polynomial of degree 6 (minimax on the interval). At most 1.1 units in the last place off over
// [-87.3, 88.3]; exp(0) is exactly 1; smaller arguments give the smallest normal number, NaN stays.
// Larger ones are not allowed: from 88.38 on n is 128, and 2^n infinite, then nonsense.

import CSIMD
import KernelABI

/// The binary logarithm of e.
var logarithmE: Float { 1.442695 }

/// Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits.
private var shift: Float { 12_582_912 }

/// exp of every lane, for lanes up to 88.
@inline(__always)
func exponential<V: Arithmetic>(_ x: V) -> V {
  // The limit comes first: the processor's maximum returns its second operand where one is NaN.
  let x = V.max(V(repeating: -87.33654), x)
  let shifted = V.fma(logarithmE, x, V(repeating: shift))
  let n = V.subtract(shifted, V(repeating: shift))
  var r = V.fma(-0.693145751953125, n, x)
  r = V.fma(-1.42860682030941723e-6, n, r)
  var p = V(repeating: 1.3863802e-3)
  p = V.fma(p, r, V(repeating: 8.3675142e-3))
  p = V.fma(p, r, V(repeating: 4.1667238e-2))
  p = V.fma(p, r, V(repeating: 0.16666533))
  p = V.fma(p, r, V(repeating: 0.5))
  p = V.fma(p, r, V(repeating: 1))
  p = V.fma(p, r, V(repeating: 1))
  // 2^n from its bits; a product rather than an addition to p's exponent, so that NaN stays NaN.
  return V.multiply(p, V.twoToThe(shifted))
}

/// 2^x of every lane, for lanes up to 127, at most 2e-7 of itself off (a polynomial of degree 5);
/// 2^0 is exactly 1, what lies below 2^-126.5 gives zero.
@inline(__always)
func powerOfTwo<V: Arithmetic>(_ x: V) -> V {
  let x = V.max(V(repeating: -127), x)
  let shifted = V.add(x, V(repeating: shift))
  let r = V.subtract(x, V.subtract(shifted, V(repeating: shift)))
  var p = V(repeating: 1.3264735e-3)
  p = V.fma(p, r, V(repeating: 9.6715176e-3))
  p = V.fma(p, r, V(repeating: 5.5507339e-2))
  p = V.fma(p, r, V(repeating: 0.24022242))
  p = V.fma(p, r, V(repeating: 0.693147))
  p = V.fma(p, r, V(repeating: 1))
  return V.multiply(p, V.twoToThe(shifted))
}
