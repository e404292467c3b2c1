// The register tile as functions: one per number of rows, chosen at run time.

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
}

extension Tile {
  /// A task whose rows of A lie side by side.
  @inline(never)
  static func run(_ t: MatrixTask) {
    var sums = zero()
    if t.aStep == R && t.bStep == V.lanes {  // Packed: constants are addresses within instructions.
      multiply(&sums, t.count, t.a, R, t.b, V.lanes)
    } else {
      multiply(&sums, t.count, t.a, t.aStep, t.b, t.bStep)
    }
    write(&sums, t.target)
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
