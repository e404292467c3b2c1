// The register tile of matrix products.

import CSIMD
import KernelABI

/// One tile's worth of a matrix product: c[i, j] = sum over p of a[i, p] b[p, j].
struct MatrixTask: TileTask {
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

  @inline(__always)
  func run<let R: Int, V: Vector>(_ tile: Tile<R, V>.Type) { tile.run(self) }
}

/// A task whose rows of A are contiguous.
struct MatrixRowsTask: TileTask {
  var task: MatrixTask

  @inline(__always)
  func run<let R: Int, V: Vector>(_ tile: Tile<R, V>.Type) { tile.runRows(task) }
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
