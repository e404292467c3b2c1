// The register tile, on which matrix products and convolutions stand: R rows of one vector of sums
// each, all in registers. A step of the inner loop broadcasts R numbers of A and multiplies them by
// one vector of B: with 12 rows of 2 x 16 lanes that is 24 multiply-adds for 14 loads, which keeps
// both multipliers of the processor busy. R and V are compile-time constants, so that LLVM unrolls
// every loop over rows and no sum ever touches memory.

import KernelABI

/// What happens to a tile's sums when they are written.
struct Finish {
  /// Add to what is there.
  var add = false
  /// Add this row of numbers, one per lane.
  var bias: FloatsIn?
  /// Replace negative results by 0.
  var relu = false
}

/// Sums of `R` rows x `V.lanes` columns.
struct Tile<let R: Int, V: Vector> {
  typealias Sums = InlineArray<R, V>

  /// All zero.
  @inline(__always)
  static func zero() -> Sums { Sums(repeating: V()) }

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

  /// Writes the sums to rows `step` apart, `columns` (at most V.lanes) of each.
  @inline(__always)
  static func write(
    _ sums: inout Sums, _ c: FloatsOut, _ step: Int, _ columns: Int, _ finish: Finish
  ) {
    let whole = columns == V.lanes
    if finish.add {
      if whole {
        for i in 0..<R {
          sums[unchecked: i] = V.add(V.load(FloatsIn(c + i &* step)), sums[unchecked: i])
        }
      } else {
        for i in 0..<R {
          sums[unchecked: i] = V.add(V.load(FloatsIn(c + i &* step), columns), sums[unchecked: i])
        }
      }
    }
    if let bias = finish.bias {
      let row = whole ? V.load(bias) : V.load(bias, columns)
      for i in 0..<R { sums[unchecked: i] = V.add(sums[unchecked: i], row) }
    }
    if finish.relu {
      for i in 0..<R { sums[unchecked: i] = V.max(V(), sums[unchecked: i]) }
    }
    if whole {
      for i in 0..<R { sums[unchecked: i].store(c + i &* step) }
    } else {
      for i in 0..<R { sums[unchecked: i].store(c + i &* step, columns) }
    }
  }
}
