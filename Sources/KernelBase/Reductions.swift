// Sums. Products and sums are formed in double precision, four vectors side by side, so that the
// result is good to about 1e-15 of the sum of magnitudes and does not depend on how long the input
// is; the additions keep up with memory.

import CSIMD
import KernelABI

#if KERNEL_AVX512
  private typealias Doubles = SIMD8<Double>
  private typealias Floats = SIMD8<Float>
#else
  private typealias Doubles = SIMD4<Double>
  private typealias Floats = SIMD4<Float>
#endif

/// The doubles of one vector of floats.
@inline(__always)
private func doubles(_ p: FloatsIn) -> Doubles {
  csimd_doubles(UnsafeRawPointer(p).loadUnaligned(as: Floats.self))
}

/// Sum of `term(doubles at i, i)` in vectors, plus `rest(i)` one by one at the tail.
@inline(__always)
private func sumOfTerms(
  _ count: Int, _ accumulate: (Int, Doubles) -> Doubles, _ rest: (Int) -> Double
) -> Double {
  let lanes = MemoryLayout<Floats>.size / 4
  var (s0, s1, s2, s3) = (Doubles(), Doubles(), Doubles(), Doubles())
  var i = 0
  while i &+ 4 &* lanes <= count {
    s0 = accumulate(i, s0)
    s1 = accumulate(i &+ lanes, s1)
    s2 = accumulate(i &+ 2 &* lanes, s2)
    s3 = accumulate(i &+ 3 &* lanes, s3)
    i &+= 4 &* lanes
  }
  while i &+ lanes <= count {
    s0 = accumulate(i, s0)
    i &+= lanes
  }
  var tail = 0.0
  while i < count {
    tail += rest(i)
    i &+= 1
  }
  return csimd_sum(csimd_add(csimd_add(s0, s1), csimd_add(s2, s3))) + tail
}

extension VectorKernels {
  /// 4 bytes of traffic per element.
  public static func sumOfSquares(_ count: Int, x: FloatsIn) -> Double {
    sumOfTerms(
      count,
      { i, s in
        let v = doubles(x + i)
        return csimd_fma(v, v, s)
      }, { Double(x[$0]) * Double(x[$0]) })
  }

  /// 8 bytes of traffic per element.
  public static func dot(_ count: Int, x: FloatsIn, y: FloatsIn) -> Double {
    sumOfTerms(
      count, { i, s in csimd_fma(doubles(x + i), doubles(y + i), s) },
      { Double(x[$0]) * Double(y[$0]) })
  }

  /// Sums of 32 rows each in single precision, added up; 4 bytes of traffic per element.
  public static func sumRows(rows: Int, columns: Int, x: FloatsIn, add: Bool, y: FloatsOut) {
    forEachWide(columns) { column, lanes in
      var total = add ? y[column, lanes] : Wide()
      var row = 0
      while row < rows {
        let end = min(row &+ 32, rows)
        var part = Wide()
        while row < end {
          part = csimd_add(part, (x + row &* columns)[column, lanes])
          row &+= 1
        }
        total = csimd_add(total, part)
      }
      y[column, lanes] = total
    }
  }
}
