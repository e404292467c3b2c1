// To and from floats of 16 bits, for vectors on their way to another rank: one pass each, bound by
// memory once the data leave the caches. AVX2 and AVX-512 have instructions for float16; everything
// else is integer arithmetic.

import CSIMD
import KernelABI

/// `lanes` shorts.
@inline(__always)
private func loadShorts(_ p: ShortsIn, _ lanes: Int) -> WideShorts {
  if lanes == wide { return UnsafeRawPointer(p).loadUnaligned(as: WideShorts.self) }
  return csimd_load(p, lanes, WideShorts())
}

@inline(__always)
private func encodeWide(
  _ count: Int, _ x: FloatsOut, _ y: ShortsOut, limit: UInt32, to: (Wide) -> WideShorts,
  from: (WideShorts) -> Wide
) -> Int {
  // Masks are -1 where they are set. Lanes hold 32 bits: no vector is long enough to fill them.
  var overflows = WideIntegers()
  forEachWide(count) { i, lanes in
    let values = x[i, lanes]
    overflows = csimd_subtract(overflows, csimd_overflows(values, Int32(bitPattern: limit)))
    let bits = to(values)
    if lanes == wide {
      UnsafeMutableRawPointer(y + i).storeBytes(of: bits, as: WideShorts.self)
    } else {
      csimd_store(y + i, lanes, bits)
    }
    x[i, lanes] = from(bits)
  }
  return Int(csimd_sum(overflows))
}

extension VectorKernels {
  /// 10 bytes of traffic per element.
  public static func encode(_ format: ShortFloat, _ count: Int, x: FloatsOut, y: ShortsOut) -> Int {
    let limit = format.overflowBits
    switch format {
    case .bfloat16:
      return encodeWide(
        count, x, y, limit: limit, to: { csimd_to_bfloat16($0) }, from: { csimd_from_bfloat16($0) })
    case .float16:
      return encodeWide(
        count, x, y, limit: limit, to: { csimd_to_float16($0) }, from: { csimd_from_float16($0) })
    }
  }

  /// 6 bytes of traffic per element.
  public static func decode(_ format: ShortFloat, _ count: Int, x: ShortsIn, y: FloatsOut) {
    switch format {
    case .bfloat16:
      forEachWide(count) { i, lanes in y[i, lanes] = csimd_from_bfloat16(loadShorts(x + i, lanes)) }
    case .float16:
      forEachWide(count) { i, lanes in y[i, lanes] = csimd_from_float16(loadShorts(x + i, lanes)) }
    }
  }

  /// 10 bytes of traffic per element.
  public static func decodeAdd(_ format: ShortFloat, _ count: Int, x: ShortsIn, y: FloatsOut) {
    switch format {
    case .bfloat16:
      forEachWide(count) { i, lanes in
        y[i, lanes] = csimd_add(y[i, lanes], csimd_from_bfloat16(loadShorts(x + i, lanes)))
      }
    case .float16:
      forEachWide(count) { i, lanes in
        y[i, lanes] = csimd_add(y[i, lanes], csimd_from_float16(loadShorts(x + i, lanes)))
      }
    }
  }
}
