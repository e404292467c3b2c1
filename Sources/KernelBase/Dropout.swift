// Dropout (Srivastava et al. 2014) with a counter-based generator (Salmon et al. 2011): nothing is
// stored, the backward pass draws the same numbers again. A lane hashes its counter's lower half in
// 14 integer instructions; 8 bytes of traffic per element.

import CSIMD
import KernelABI

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
        let first = HalfCounters(repeating: low &+ UInt32(truncatingIfNeeded: i))
        let bits = csimd_hash(csimd_counting(first), keys.first, keys.second)
        csimd_keep(bits, rule.limit, value).store(to + i, lanes)
      }
      start += run
    }
  }
}
