// The register tile as functions: one per number of rows, chosen at run time.

import CSIMD
import KernelABI

/// One tile's worth of a matrix product: c[i, j] = sum over p of a[i, p] b[p, j].
struct MatrixTask {
  /// Products per sum.
  var count: Int
  /// Rows of A side by side (`aStep` floats per product), or `rowStep` apart and contiguous.
  var a: FloatsIn
  var aStep: Int
  var rowStep: Int
  var b: FloatsIn
  var bStep: Int
  var target: Target
  /// What to ask for on the way, because the next tiles will need it: lines `nextStep` floats apart.
  var next: FloatsIn
  var nextStep: Int
}

extension Tile {
  /// A task whose rows of A lie side by side.
  @inline(never)
  static func run(_ t: MatrixTask) {
    var sums = zero()
    if t.aStep == R && t.bStep == V.lanes {  // Packed: constants are addresses within instructions.
      multiplyPacked(&sums, t)
    } else {
      multiplyStrided(&sums, t)
    }
    write(&sums, t.target)
  }

  /// The products of a packed task; on the way asks for what it will write and for `next`.
  @inline(__always)
  private static func multiplyPacked(_ sums: inout Sums, _ t: MatrixTask) {
    var (a, b, rest) = (t.a, t.b, t.count)
    var (line, lineStep, turns) = (FloatsIn(t.target.start), t.target.step, min(R, rest >> 2))
    for _ in 0..<2 {
      rest &-= 4 &* turns
      while turns > 0 {
        csimd_prefetch(line)
        csimd_prefetch(line + V.lanes / 2)
        step(&sums, a, b)
        step(&sums, a + R, b + V.lanes)
        step(&sums, a + 2 &* R, b + 2 &* V.lanes)
        step(&sums, a + 3 &* R, b + 3 &* V.lanes)
        a += 4 &* R
        b += 4 &* V.lanes
        line += lineStep
        turns &-= 1
      }
      (line, lineStep, turns) = (t.next, t.nextStep, rest >> 2)
    }
    multiply(&sums, rest & 3, a, R, b, V.lanes)
  }

  /// The products of a task that reads B where it lies; on the way asks for the columns that follow.
  @inline(__always)
  private static func multiplyStrided(_ sums: inout Sums, _ t: MatrixTask) {
    var (a, b, rest) = (t.a, t.b, t.count)
    while rest > 0 {
      csimd_prefetch(b + V.lanes)
      csimd_prefetch(b + (V.lanes + V.lanes / 2))
      step(&sums, a, b)
      a += t.aStep
      b += t.bStep
      rest &-= 1
    }
  }

  /// A task whose rows of A are contiguous.
  @inline(never)
  static func runRows(_ t: MatrixTask) {
    var sums = zero()
    multiplyRows(&sums, t.count, t.a, t.rowStep, t.b)
    write(&sums, t.target)
  }
}

/// Runs a task of `rows` (1...tileRows) rows with vectors V.
@inline(__always)
func runTile<V: Vector>(_ rows: Int, _ vector: V.Type, _ t: MatrixTask) {
  switch rows {
  case 1: Tile<1, V>.run(t)
  case 2: Tile<2, V>.run(t)
  case 3: Tile<3, V>.run(t)
  case 4: Tile<4, V>.run(t)
  case 5: Tile<5, V>.run(t)
  #if KERNEL_AVX512
    case 6: Tile<6, V>.run(t)
    case 7: Tile<7, V>.run(t)
    case 8: Tile<8, V>.run(t)
    case 9: Tile<9, V>.run(t)
    case 10: Tile<10, V>.run(t)
    case 11: Tile<11, V>.run(t)
    default: Tile<12, V>.run(t)
  #else
    default: Tile<6, V>.run(t)
  #endif
  }
}

/// As `runTile`, for contiguous rows of A.
@inline(__always)
func runRowsTile<V: Vector>(_ rows: Int, _ vector: V.Type, _ t: MatrixTask) {
  switch rows {
  case 1: Tile<1, V>.runRows(t)
  case 2: Tile<2, V>.runRows(t)
  case 3: Tile<3, V>.runRows(t)
  case 4: Tile<4, V>.runRows(t)
  case 5: Tile<5, V>.runRows(t)
  #if KERNEL_AVX512
    case 6: Tile<6, V>.runRows(t)
    case 7: Tile<7, V>.runRows(t)
    case 8: Tile<8, V>.runRows(t)
    case 9: Tile<9, V>.runRows(t)
    case 10: Tile<10, V>.runRows(t)
    case 11: Tile<11, V>.runRows(t)
    default: Tile<12, V>.runRows(t)
  #else
    default: Tile<6, V>.runRows(t)
  #endif
  }
}
