// The register tile, on which matrix products and convolutions stand: R rows of one vector of sums
// each, all in registers. A step of the inner loop broadcasts R numbers of A and multiplies them by
// one vector of B: with 12 rows of 2 x 16 lanes that is 24 multiply-adds for 14 loads, which keeps
// both multipliers of the processor busy. R and V are compile-time constants, so that LLVM unrolls
// every loop over rows and no sum ever touches memory.

import CSIMD
import KernelABI

/// Where a tile's sums go, and what happens to them on the way.
struct Target {
  /// The first; floats from one row to the next; columns that count, at most the tile's lanes.
  var start: FloatsOut
  var step: Int
  var columns: Int
  /// Room for a whole tile, used where not all of its columns count.
  var edge: FloatsOut
  /// Add to what is there.
  var add = false
  /// Add this row of numbers, one per lane.
  var bias: FloatsIn?
  /// Replace negative results by 0.
  var relu = false

  /// Floats that `edge` needs.
  @inline(__always)
  static var edgeCount: Int { tileRows * wide }

  /// Writes the columns that count of a tile that lies in `edge`. Apart, and not generic, because
  /// partial vectors within the tile's own code cost it its registers.
  @inline(never)
  func copyEdge(_ rows: Int, _ lanes: Int) {
    for i in 0..<rows {
      var j = 0
      while j < columns {
        let count = min(half, columns &- j)
        let to = start + (i &* step &+ j)
        var value = Half.load(FloatsIn(edge + (i &* lanes &+ j)))
        if add { value = csimd_add(Half.load(FloatsIn(to), count), value) }
        if let bias { value = csimd_add(value, Half.load(bias + j, count)) }
        if relu { value = csimd_max(Half(), value) }
        value.store(to, count)
        j &+= half
      }
    }
  }
}

/// Where every third row of a tile starts; the processor adds one or two steps itself, within an
/// instruction. Twelve pointers, which is what LLVM would make of twelve rows, do not fit the general
/// registers.
struct TileRowStarts {
  var row0: FloatsIn
  var row3: FloatsIn
  var row6: FloatsIn
  var row9: FloatsIn

  @inline(__always)
  init(_ a: FloatsIn, _ step: Int) {
    row0 = csimd_opaque(a)
    row3 = csimd_opaque(a + 3 &* step)
    row6 = csimd_opaque(a + 6 &* step)
    row9 = csimd_opaque(a + 9 &* step)
  }

  @inline(__always)
  mutating func advance(_ floats: Int) {
    row0 += floats
    row3 += floats
    row6 += floats
    row9 += floats
  }
}

/// Sums of `R` rows x `V.lanes` columns.
struct Tile<let R: Int, V: Vector> {
  typealias Sums = InlineArray<R, V>

  /// All zero. (`Sums(repeating:)` is a loop that LLVM unrolls too late for ten rows and more, and
  /// the sums would stay in memory.)
  @inline(__always)
  static func zero() -> Sums { Sums { _ in V() } }

  /// One step: sums[i] += a[i rowStep] b. The step of rows must be a constant of the program, so that it
  /// is part of the instructions.
  @inline(__always)
  static func step(_ sums: inout Sums, _ a: FloatsIn, _ b: FloatsIn, rowStep: Int = 1) {
    let column = V.load(b)
    for i in 0..<R { sums[unchecked: i] = V.fma(a[i &* rowStep], column, sums[unchecked: i]) }
  }

  /// One step of rows `first`..<`end`, which lie `rowStep` apart.
  @inline(__always)
  static func stepRows(
    _ sums: inout Sums, _ a: TileRowStarts, _ p: Int, _ rowStep: Int, _ b: FloatsIn, _ first: Int,
    _ end: Int
  ) {
    let column = V.load(b)
    for i in first..<end {
      let start = i < 3 ? a.row0 : i < 6 ? a.row3 : i < 9 ? a.row6 : a.row9
      sums[unchecked: i] = V.fma(start[i % 3 &* rowStep &+ p], column, sums[unchecked: i])
    }
  }

  // The loops below take four steps per turn. The multipliers share two of their ports with the
  // additions that move pointers on, so that every addition saved is a multiplication gained.

  /// sums[i] += a[i + p aStep] b[p bStep], for p in 0..<count: rows of A lie side by side.
  @inline(__always)
  static func multiply(
    _ sums: inout Sums, _ count: Int, _ a: FloatsIn, _ aStep: Int, _ b: FloatsIn, _ bStep: Int
  ) {
    var (a, b, rest) = (a, b, count)
    while rest >= 4 {
      step(&sums, a, b)
      step(&sums, a + aStep, b + bStep)
      step(&sums, a + 2 &* aStep, b + 2 &* bStep)
      step(&sums, a + 3 &* aStep, b + 3 &* bStep)
      a += 4 &* aStep
      b += 4 &* bStep
      rest &-= 4
    }
    while rest > 0 {
      step(&sums, a, b)
      a += aStep
      b += bStep
      rest &-= 1
    }
  }

  /// sums[i] += a[i rowStep + p] b[p V.lanes] for the rows first..<end, which lie `rowStep` apart.
  @inline(__always)
  static func multiplyRows(
    _ sums: inout Sums, _ count: Int, _ a: FloatsIn, _ rowStep: Int, _ b: FloatsIn,
    first: Int = 0, end: Int = R
  ) {
    var (a, b, rest) = (TileRowStarts(a, rowStep), b, count)
    while rest >= 4 {
      stepRows(&sums, a, 0, rowStep, b, first, end)
      stepRows(&sums, a, 1, rowStep, b + V.lanes, first, end)
      stepRows(&sums, a, 2, rowStep, b + 2 &* V.lanes, first, end)
      stepRows(&sums, a, 3, rowStep, b + 3 &* V.lanes, first, end)
      a.advance(4)
      b += 4 &* V.lanes
      rest &-= 4
    }
    while rest > 0 {
      stepRows(&sums, a, 0, rowStep, b, first, end)
      a.advance(1)
      b += V.lanes
      rest &-= 1
    }
  }

  /// Writes the sums.
  @inline(__always)
  static func write(_ sums: inout Sums, _ target: Target) {
    let (c, step) = (target.start, target.step)
    guard target.columns == V.lanes else {
      for i in 0..<R { sums[unchecked: i].store(target.edge + i &* V.lanes) }
      target.copyEdge(R, V.lanes)
      return
    }
    if target.add {
      for i in 0..<R {
        sums[unchecked: i] = V.add(V.load(FloatsIn(c + i &* step)), sums[unchecked: i])
      }
    }
    if let bias = target.bias {
      let row = V.load(bias)
      for i in 0..<R { sums[unchecked: i] = V.add(sums[unchecked: i], row) }
    }
    if target.relu {
      for i in 0..<R { sums[unchecked: i] = V.max(V(), sums[unchecked: i]) }
    }
    for i in 0..<R { sums[unchecked: i].store(c + i &* step) }
  }
}
