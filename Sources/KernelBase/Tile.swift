// The register tile, on which matrix products and convolutions stand: R rows of one vector of sums
// each, all in registers. A step of the inner loop broadcasts R numbers of A and multiplies them by
// one vector of B: with 12 rows of 2 x 16 lanes that is 24 multiply-adds for 14 loads, which keeps
// both multipliers of the processor busy. R and V are compile-time constants, so that LLVM unrolls
// every loop over rows and no sum ever touches memory.

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
      for j in 0..<columns {
        var value = edge[i &* lanes &+ j]
        let place = i &* step &+ j
        if add { value += start[place] }
        if let bias { value += bias[j] }
        start[place] = relu && value < 0 ? 0 : value
      }
    }
  }
}

/// Sums of `R` rows x `V.lanes` columns.
struct Tile<let R: Int, V: Vector> {
  typealias Sums = InlineArray<R, V>

  /// All zero. (`Sums(repeating:)` is a loop that LLVM unrolls too late for ten rows and more, and
  /// the sums would stay in memory.)
  @inline(__always)
  static func zero() -> Sums { Sums { _ in V() } }

  /// sums[i] += a[i + p aStep] b[p bStep], for p in 0..<count: rows of A lie side by side.
  @inline(__always)
  static func multiply(
    _ sums: inout Sums, _ count: Int, _ a: FloatsIn, _ aStep: Int, _ b: FloatsIn, _ bStep: Int
  ) {
    var (a, b) = (a, b)
    for _ in 0..<count {
      let column = V.load(b)
      for i in 0..<R { sums[unchecked: i] = V.fma(a[i], column, sums[unchecked: i]) }
      a += aStep
      b += bStep
    }
  }

  /// sums[i] += a[i rowStep + p] b[p bStep]: rows of A lie `rowStep` apart. Every third row has a
  /// pointer of its own, so that the addresses of the rows between are one addition each.
  @inline(__always)
  static func multiplyRows(
    _ sums: inout Sums, _ count: Int, _ a: FloatsIn, _ rowStep: Int, _ b: FloatsIn, _ bStep: Int
  ) {
    var b = b
    for p in 0..<count {
      let column = V.load(b)
      for i in 0..<R {
        sums[unchecked: i] = V.fma((a + i &* rowStep)[p], column, sums[unchecked: i])
      }
      b += bStep
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
