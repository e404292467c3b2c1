// Products with few columns, the last layers of classifiers. The general product would leave most
// lanes empty. Forward, the lanes run along the inner extent: B is transposed in blocks that fit the
// first-level cache, two rows of A meet all columns at once, and vectors of partial sums wait in
// scratch between blocks. For the gradient of the weights the lanes are rows of C, and the register
// tile computes C transposed.

import CSIMD
import KernelABI

/// Most columns that these products take.
private var narrowColumns: Int { 12 }

/// Products per sum and block: 12 columns of them fill three quarters of the first-level cache.
private var narrowDepth: Int { 512 }

/// Rows whose sums wait together: 12 columns of them take a fifth of the second-level cache.
private var narrowRows: Int { 256 }

extension MatrixProductShape {
  /// Whether the lanes run along the inner extent.
  var isNarrowForward: Bool {
    n <= narrowColumns && !transposeA && k >= 1024
  }

  /// Whether C is computed transposed.
  var isNarrowGradient: Bool {
    n <= narrowColumns && transposeA && !transposeB && !accumulate && !relu && m >= 128
  }

  /// Floats of scratch for either, whether or not the product accumulates this time.
  var narrowScratch: Int {
    if isNarrowForward { return n * narrowDepth + min(m, narrowRows) * n * half + packingSlack }
    return transposeA && n <= narrowColumns ? 2 * (n * wide + packingSlack) : 0
  }
}

/// Few columns, lanes along the inner extent.
func narrowForward(
  _ shape: MatrixProductShape, _ a: FloatsIn, _ b: FloatsIn, _ bias: FloatsIn?, _ c: FloatsOut,
  _ scratch: FloatsOut
) {
  let parts = Partition(shape.m, largest: narrowRows)
  for part in 0..<parts.parts {
    let row = parts.start(part)
    var block = shape
    block.m = parts.start(part + 1) - row
    narrowRowsForward(
      block, a + row * shape.lda, b, bias, c + row * shape.ldc, scratch)
  }
}

/// Few rows of the same.
private func narrowRowsForward(
  _ shape: MatrixProductShape, _ a: FloatsIn, _ b: FloatsIn, _ bias: FloatsIn?, _ c: FloatsOut,
  _ scratch: FloatsOut
) {
  let (lines, sums) = (scratch, scratch + (shape.n * narrowDepth + packingSlack))
  let whole = shape.k / half * half
  sums.update(repeating: 0, count: shape.m * shape.n * half)
  var start = 0
  while start < whole {
    let count = min(narrowDepth, whole - start)
    var source = b + start
    var step = shape.ldb
    if !shape.transposeB {
      packTransposed(count, shape.n, b + start * shape.ldb, shape.ldb, lines, count)
      (source, step) = (FloatsIn(lines), count)
    }
    var row = 0
    while row < shape.m {
      let two = row + 2 <= shape.m
      let x = a + (row * shape.lda + start)
      let next = two ? x + shape.lda : x
      var column = 0
      while column < shape.n {
        let to = sums + (row * shape.n + column) * half
        let columns = min(shape.n - column, narrowTile)
        let w = source + column * step
        var task = NarrowTask(
          count: count, x: x, next: next, w: w, step: step, sums: to,
          nextSums: two ? to + shape.n * half : to, both: two)
        task.run(columns, Half.self)
        column += columns
      }
      row += 2
    }
    start += count
  }
  for i in 0..<shape.m {
    for j in 0..<shape.n {
      var value = csimd_sum((FloatsIn(sums) + (i * shape.n + j) * half).half)
      for p in whole..<shape.k {
        let weight = shape.transposeB ? b[j * shape.ldb + p] : b[p * shape.ldb + j]
        value += a[i * shape.lda + p] * weight
      }
      if let bias { value += bias[j] }
      let place = i * shape.ldc + j
      if shape.accumulate { value += c[place] }
      c[place] = shape.relu && value < 0 ? 0 : value
    }
  }
}

/// Columns that meet two rows at once: their sums fill the registers.
#if KERNEL_AVX512
  private var narrowTile: Int { 12 }
#else
  private var narrowTile: Int { 5 }
#endif

/// Two rows of A and some columns of B.
private struct NarrowTask: TileTask {
  var count: Int
  var x: FloatsIn
  var next: FloatsIn
  var w: FloatsIn
  var step: Int
  var sums: FloatsOut
  var nextSums: FloatsOut
  /// Whether the second row counts.
  var both: Bool

  @inline(__always)
  func run<let R: Int, V: Vector>(_ tile: Tile<R, V>.Type) { Tile<R, Half>.narrow(self) }
}

extension Tile where V == Half {
  /// sums[j] += x w[j] and nextSums[j] += next w[j], lane by lane.
  @inline(never)
  fileprivate static func narrow(_ t: NarrowTask) {
    var first = Sums { i in (FloatsIn(t.sums) + i &* half).half }
    var second = Sums { i in (FloatsIn(t.nextSums) + i &* half).half }
    var (x, next, w) = (t.x, t.next, t.w)
    var rest = t.count
    while rest > 0 {
      let (u, v) = (x.half, next.half)
      for j in 0..<R {
        let weight = (w + j &* t.step).half
        first[unchecked: j] = Half.fma(u, weight, first[unchecked: j])
        second[unchecked: j] = Half.fma(v, weight, second[unchecked: j])
      }
      x += half
      next += half
      w += half
      rest &-= half
    }
    if t.both {
      for j in 0..<R { second[unchecked: j].store(t.nextSums + j &* half) }
    }
    for j in 0..<R { first[unchecked: j].store(t.sums + j &* half) }
  }
}

/// Few columns, A transposed: C^T = B^T A, whose lanes are rows of C.
func narrowGradient(
  _ shape: MatrixProductShape, _ a: FloatsIn, _ b: FloatsIn, _ bias: FloatsIn?, _ c: FloatsOut,
  _ scratch: FloatsOut
) {
  let groups = Partition(shape.n, largest: tileRows)
  let lines = scratch + (shape.n * wide + packingSlack)
  var row = 0
  while row < shape.m {
    // The last vector overlaps the one before.
    row = min(row, shape.m - wide)
    for group in 0..<groups.parts {
      let first = groups.start(group)
      var task = MatrixTask(
        count: shape.k, a: b + first, aStep: shape.ldb, rowStep: 1, b: a + row, bStep: shape.lda,
        target: Target(
          start: scratch + first * wide, step: wide, columns: wide, edge: scratch), next: a,
        nextStep: 0)
      task.run(groups.start(group + 1) - first, Wide.self)
    }
    if shape.ldc == shape.n && bias == nil {
      packTransposed(shape.n, wide, FloatsIn(scratch), wide, lines, shape.n)
      (c + row * shape.n).update(from: lines, count: shape.n * wide)
      row += wide
      continue
    }
    for i in 0..<wide {
      let line = c + (row + i) * shape.ldc
      for j in 0..<shape.n { line[j] = scratch[j &* wide &+ i] + (bias.map { $0[j] } ?? 0) }
    }
    row += wide
  }
}
