// Packing: panels of A and B in the order in which the register tile reads them, so that the inner
// loop walks straight through memory.

import CSIMD
import KernelABI

/// Cuts `total` into the fewest parts of at most `largest`, all nearly equal.
struct Partition {
  let parts: Int
  /// How many parts, the first ones, are larger than the others by one.
  let larger: Int
  private let size: Int

  @inline(__always)
  init(_ total: Int, largest: Int) {
    parts = (total &+ largest &- 1) / largest
    size = total / max(parts, 1)
    larger = total &- size &* parts
  }

  /// Where part `i` starts; part `parts` starts at the end. Larger parts come first.
  @inline(__always)
  func start(_ i: Int) -> Int { size &* i &+ min(i, larger) }
}

/// `x` rounded up to a multiple of `unit`.
@inline(__always)
func rounded(_ x: Int, _ unit: Int) -> Int { (x &+ unit &- 1) / unit &* unit }

/// Floats that packing may write beyond the end of a panel.
@inline(__always) var packingSlack: Int { 32 }

#if KERNEL_AVX512
  private typealias Pointers = InlineArray<16, FloatsIn>
#elseif KERNEL_AVX2
  private typealias Pointers = InlineArray<8, FloatsIn>
#else
  private typealias Pointers = InlineArray<4, FloatsIn>
#endif

/// The first four columns of a register's worth of rows, `width` floats apart, where `row(i)` is row i:
/// a transpose within groups of four lanes.
@inline(__always)
private func transposeFours(_ row: (Int) -> FloatsIn, _ line: FloatsOut, _ width: Int) {
  /// Four floats of each fourth row from `first` on.
  @inline(__always)
  func fours(_ first: Int) -> Half {
    @inline(__always)
    func four(_ i: Int) -> SIMD4<Float> { .load4(row(first &+ i)) }
    #if KERNEL_AVX512
      return csimd_join(csimd_join(four(0), four(4)), csimd_join(four(8), four(12)))
    #elseif KERNEL_AVX2
      return csimd_join(four(0), four(4))
    #else
      return four(0)
    #endif
  }
  let (a, b, c, d) = (fours(0), fours(1), fours(2), fours(3))
  let (ab, cd) = (csimd_first_in_turn(a, b), csimd_first_in_turn(c, d))
  csimd_first_halves(ab, cd).store(line)
  csimd_last_halves(ab, cd).store(line + width)
  let (rest, more) = (csimd_last_in_turn(a, b), csimd_last_in_turn(c, d))
  csimd_first_halves(rest, more).store(line + 2 &* width)
  csimd_last_halves(rest, more).store(line + 3 &* width)
}

/// to[p wide + i] = from[i wide + p], for i in 0..<wide and p in 0..<count rounded up to fours.
@inline(never)
func transposePanel(_ count: Int, _ from: FloatsIn, _ to: FloatsOut) {
  var p = 0
  while p < count {
    for i in stride(from: 0, to: wide, by: half) {
      let source = from + (i &* wide &+ p)
      transposeFours({ source + $0 &* wide }, to + (p &* wide &+ i), wide)
    }
    p &+= 4
  }
}

/// to[p width + i] = from[i rowStep + p], for i in 0..<width and p in 0..<count; rows from `rows` on
/// repeat the last one. Four floats of a register's worth of rows at a time, which a transpose
/// within groups of four lanes turns into four columns. The last register of a line runs over into
/// the next line, which is why lines are written in rising order and a line's registers from its
/// end.
@inline(never)
func packTransposed(
  _ rows: Int, _ count: Int, _ from: FloatsIn, _ rowStep: Int, _ to: FloatsOut, _ width: Int
) {
  let last = rows &- 1
  if count < 4 {
    for p in 0..<count {
      for i in 0..<width { to[p &* width &+ i] = from[min(i, last) &* rowStep &+ p] }
    }
    return
  }
  var i = rounded(width, half) &- half
  while i >= 0 {
    let pointers = Pointers { k in from + min(i &+ k, last) &* rowStep }
    var p = 0
    while p < count {
      p = min(p, count &- 4)
      transposeFours({ pointers[unchecked: $0] + p }, to + (p &* width &+ i), width)
      p &+= 4
    }
    i &-= half
  }
}

extension SIMD4 where Scalar == Float {
  /// Four floats from any address.
  @inline(__always)
  static func load4(_ p: FloatsIn) -> Self { UnsafeRawPointer(p).loadUnaligned(as: Self.self) }
}

/// to[p width + i] = from[p step + i], for i in 0..<columns, zeros up to `width`, which is a
/// multiple of `half`.
@inline(never)
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
/// Asks for what the next rows will need: whole lines are read for a tile's few floats.
@inline(never)
func packRows(
  _ rows: Int, _ count: Int, _ from: FloatsIn, _ step: Int, _ to: FloatsOut, readable: Int
) {
  var p = 0
  while p < count && p &* step &+ TileRow.lanes <= readable {
    csimd_prefetch(from + (p &* step &+ 2 &* rows))
    TileRow.load(from + p &* step).store(to + p &* rows)
    p &+= 1
  }
  while p < count {
    for i in 0..<rows { to[p &* rows &+ i] = from[p &* step &+ i] }
    p &+= 1
  }
}
