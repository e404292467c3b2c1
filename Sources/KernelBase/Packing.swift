// Packing: panels of A and B in the order in which the register tile reads them, so that the inner
// loop walks straight through memory.

import CSIMD
import KernelABI

/// Cuts `total` into the fewest parts of at most `largest`, all nearly equal.
struct Partition {
  let total: Int
  let parts: Int

  @inline(__always)
  init(_ total: Int, largest: Int) {
    self.total = total
    parts = (total &+ largest &- 1) / largest
  }

  /// Where part `i` starts; part `parts` starts at the end.
  @inline(__always)
  func start(_ i: Int) -> Int { total &* i / parts }
}

/// `x` rounded up to a multiple of `unit`.
@inline(__always)
func rounded(_ x: Int, _ unit: Int) -> Int { (x &+ unit &- 1) / unit &* unit }

/// Floats that packing may write beyond the end of a panel.
@inline(__always) var packingSlack: Int { 32 }

/// to[p width + i] = from[i rowStep + p], for i in 0..<width and p in 0..<count; rows from `rows` on
/// repeat the last one. In blocks of 4 x 4; the last block of a line runs over into the next line,
/// which is why lines are written in rising order and a line's blocks from its end.
func packTransposed(
  _ rows: Int, _ count: Int, _ from: FloatsIn, _ rowStep: Int, _ to: FloatsOut, _ width: Int
) {
  let last = rows &- 1
  var p = 0
  while p &+ 4 <= count {
    var i = rounded(width, 4) &- 4
    while i >= 0 {
      var a = SIMD4<Float>.load4(from + (min(i, last) &* rowStep &+ p))
      var b = SIMD4<Float>.load4(from + (min(i &+ 1, last) &* rowStep &+ p))
      var c = SIMD4<Float>.load4(from + (min(i &+ 2, last) &* rowStep &+ p))
      var d = SIMD4<Float>.load4(from + (min(i &+ 3, last) &* rowStep &+ p))
      csimd_transpose(&a, &b, &c, &d)
      let line = to + (p &* width &+ i)
      a.store4(line)
      b.store4(line + width)
      c.store4(line + 2 &* width)
      d.store4(line + 3 &* width)
      i &-= 4
    }
    p &+= 4
  }
  while p < count {
    for i in 0..<width { to[p &* width &+ i] = from[min(i, last) &* rowStep &+ p] }
    p &+= 1
  }
}

extension SIMD4 where Scalar == Float {
  /// Four floats from any address.
  @inline(__always)
  static func load4(_ p: FloatsIn) -> Self { UnsafeRawPointer(p).loadUnaligned(as: Self.self) }
  /// Four floats to any address.
  @inline(__always)
  func store4(_ p: FloatsOut) { UnsafeMutableRawPointer(p).storeBytes(of: self, as: Self.self) }
}

/// to[p width + i] = from[p step + i], for i in 0..<columns, zeros up to `width`, which is a
/// multiple of `half`.
func packColumns(
  _ columns: Int, _ count: Int, _ from: FloatsIn, _ step: Int, _ to: FloatsOut, _ width: Int
) {
  let whole = columns / half &* half
  for p in 0..<count {
    let (source, line) = (from + p &* step, to + p &* width)
    var i = 0
    while i < whole {
      (source + i).half.store(line + i)
      i &+= half
    }
    if i < width {
      Half.load(source + i, columns &- whole).store(line + i)
      i &+= half
      if i < width { Half().store(line + i) }
    }
  }
}

/// A vector that holds all rows of a tile.
#if KERNEL_AVX512 || KERNEL_AVX2
  private typealias TileRow = Half
#else
  private typealias TileRow = Wide
#endif

/// to[p rows + i] = from[p step + i], for i in 0..<rows, rows at most `tileRows`; whole vectors are
/// copied where `readable` floats allow it, in rising order, so that their excess is overwritten.
func packRows(
  _ rows: Int, _ count: Int, _ from: FloatsIn, _ step: Int, _ to: FloatsOut, readable: Int
) {
  var p = 0
  while p < count && p &* step &+ TileRow.lanes <= readable {
    TileRow.load(from + p &* step).store(to + p &* rows)
    p &+= 1
  }
  while p < count {
    for i in 0..<rows { to[p &* rows &+ i] = from[p &* step &+ i] }
    p &+= 1
  }
}
