// exp, for one vector: x = n ln 2 + r with |r| <= ln 2 / 2, exp(x) = 2^n exp(r), exp(r) by a
// polynomial of degree 6 (minimax on the interval). At most 1.1 units in the last place off over
// [-87.3, 88.7]; exp(0) is exactly 1; smaller arguments give the smallest normal number, NaN stays.

import CSIMD
import KernelABI

/// exp of every lane, for lanes up to 88.
@inline(__always)
func exponential(_ x: Half) -> Half {
  // The limit comes first: the processor's maximum returns its second operand where one is NaN.
  let x = csimd_max(Half(repeating: -87.33654), x)
  // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits.
  let shift = Half(repeating: 12_582_912)
  let shifted = csimd_fma(1.442695, x, shift)
  let n = csimd_subtract(shifted, shift)
  var r = csimd_fma(Half(repeating: -0.693145751953125), n, x)
  r = csimd_fma(Half(repeating: -1.42860682030941723e-6), n, r)
  var p = Half(repeating: 1.3863802e-3)
  p = csimd_fma(p, r, Half(repeating: 8.3675142e-3))
  p = csimd_fma(p, r, Half(repeating: 4.1667238e-2))
  p = csimd_fma(p, r, Half(repeating: 0.16666533))
  p = csimd_fma(p, r, Half(repeating: 0.5))
  p = csimd_fma(p, r, Half(repeating: 1))
  p = csimd_fma(p, r, Half(repeating: 1))
  // 2^n from its bits; a product rather than an addition to p's exponent, so that NaN stays NaN.
  return csimd_multiply(p, csimd_two_to_the(shifted))
}
