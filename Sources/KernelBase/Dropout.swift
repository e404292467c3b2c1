// Dropout (Srivastava et al. 2014) with a counter-based generator (Salmon et al. 2011): nothing is
// stored, the backward pass draws the same numbers again. A lane hashes its counter's lower half in
// 14 integer instructions; 8 bytes of traffic per element.

import CSIMD
import KernelABI

/// The counters that start at `first`.
@inline(__always)
private func hash(_ first: UInt32, _ keys: (first: UInt32, second: UInt32)) -> HalfHash {
  #if KERNEL_AVX512
    return csimd_hash(csimd_counters_16(first), keys.first, keys.second)
  #elseif KERNEL_AVX2
    return csimd_hash(csimd_counters_8(first), keys.first, keys.second)
  #else
    return csimd_hash(csimd_counters_4(first), keys.first, keys.second)
  #endif
}

#if KERNEL_AVX512
  private typealias HalfHash = SIMD16<UInt32>
#elseif KERNEL_AVX2
  private typealias HalfHash = SIMD8<UInt32>
#else
  private typealias HalfHash = SIMD4<UInt32>
#endif

extension VectorKernels {
  /// Runs of counters with a common upper half, one after the other.
  public static func dropout(
    _ count: Int, rate: Float, key: UInt64, counter: UInt64, x: FloatsIn, y: FloatsOut
  ) {
    let rule = DropoutRule(rate: rate)
    let factor = Half(repeating: rule.factor)
    var start = 0
    while start < count {
      let place = counter &+ UInt64(start)
      let low = UInt32(truncatingIfNeeded: place)
      let keys = DropoutRule.keys(key, high: UInt32(truncatingIfNeeded: place >> 32))
      let run = min(count - start, 1 << 32 - Int(low))
      let (from, to) = (x + start, y + start)
      forEachHalf(run) { i, lanes in
        let value = csimd_multiply(factor, Half.load(from + i, lanes))
        let bits = hash(low &+ UInt32(truncatingIfNeeded: i), keys)
        csimd_keep(bits, rule.limit, value).store(to + i, lanes)
      }
      start += run
    }
  }
}
