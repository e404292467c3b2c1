// C = op(A) op(B), cut into blocks that fit the caches (Goto, van de Geijn: "Anatomy of
// high-performance matrix multiplication", 2008). For each panel of B, one vector wide, packed and
// small enough to stay in the first-level cache, the register tile sweeps over the rows of A, which
// are packed on the way of the first panel and come from the second-level cache afterwards.

import KernelABI

/// A part of the work: some rows of C, and some of the products of their sums.
private struct Block {
  var row: Int
  var rows: Int
  /// Products.
  var start: Int
  var count: Int

  /// At most this many products per sum before C is written: a panel of B takes two thirds of a
  /// first-level cache of 48 KB, and most of one of 32 KB, which costs less than writing C more often.
  static var depth: Int { 256 }
  /// At most this many floats of A are packed: a third of the second-level cache.
  static var floats: Int { 98_304 }

  /// Most rows of a block.
  static func rows(_ shape: MatrixProductShape) -> Int {
    keepsB(shape) ? tileRows : max(tileRows, floats / max(min(shape.k, depth), 1))
  }

  /// Whether all of B is packed. Where sums are short, writing C is the work, and it goes fastest
  /// along few rows.
  static func keepsB(_ shape: MatrixProductShape) -> Bool {
    shape.k <= shortSum && shape.n <= mostColumns
  }

  static var shortSum: Int { 32 }
  static var mostColumns: Int { 8192 }
}

extension VectorKernels {
  /// A packed panel of B and a packed block of A, or all of B and a panel of A, as fewer products may
  /// want it.
  public static func matrixProductScratch(_ shape: MatrixProductShape) -> Int {
    let depth = min(Block.depth, max(shape.k, 1))
    let panel = depth * wide + min(Block.floats + depth * tileRows, depth * shape.m)
    let short = min(shape.k, Block.shortSum)
    let kept = shape.n > Block.mostColumns ? 0 : short * (rounded(shape.n, wide) + tileRows)
    return max(max(panel, kept) + Target.edgeCount + 2 * packingSlack, shape.narrowScratch)
  }

  /// 2 m n k operations; near the processor's peak from about 64 x 64 x 64 on.
  public static func matrixProduct(
    _ shape: MatrixProductShape, a: FloatsIn, b: FloatsIn, bias: FloatsIn?, c: FloatsOut,
    scratch: FloatsOut
  ) {
    guard shape.m > 0 && shape.n > 0 else { return }
    if shape.isNarrowForward { return narrowForward(shape, a, b, bias, c, scratch) }
    if shape.isNarrowGradient { return narrowGradient(shape, a, b, bias, c, scratch) }
    let depths = Partition(max(shape.k, 1), largest: Block.depth)
    var target = Target(start: c, step: shape.ldc, columns: wide, edge: scratch)
    for depth in 0..<depths.parts {
      let start = depths.start(depth)
      let count = shape.k == 0 ? 0 : depths.start(depth + 1) - start
      target.add = shape.accumulate || depth > 0
      target.bias = depth == 0 ? bias : nil
      target.relu = shape.relu && depth == depths.parts - 1
      let parts = Partition(shape.m, largest: Block.rows(shape))
      for part in 0..<parts.parts {
        let row = parts.start(part)
        let block = Block(row: row, rows: parts.start(part + 1) - row, start: start, count: count)
        block.multiply(shape, a, b, target, scratch + Target.edgeCount)
      }
    }
  }
}

extension Block {
  /// Adds the block's products to its rows of C.
  fileprivate func multiply(
    _ shape: MatrixProductShape, _ a: FloatsIn, _ b: FloatsIn, _ target: Target,
    _ scratch: FloatsOut
  ) {
    let keepsB = Block.keepsB(shape)
    let panelsOfA = scratch + ((keepsB ? rounded(shape.n, wide) : wide) * count + packingSlack)
    // One group of rows uses B once: not worth a copy, unless it must be transposed.
    let packsB = shape.m > tileRows || shape.transposeB
    let inPlace = packsB && readsInPlace(shape)
    // Twelve pointers to rows are one too many for the general registers.
    let groups = Partition(rows, largest: inPlace ? min(tileRows, 11) : tileRows)
    let share = (count + groups.parts - 1) / groups.parts
    var task = MatrixTask(
      count: count, a: a, aStep: 1, rowStep: shape.lda, b: b, bStep: wide, target: target,
      next: a, nextStep: 0)
    var j = 0
    while j < shape.n {
      let width = shape.n - j <= half ? half : wide
      task.target.columns = min(shape.n - j, width)
      task.target.bias = target.bias.map { $0 + j }
      if packsB || task.target.columns < width {
        let panel = scratch + (keepsB ? j * count : 0)
        if !keepsB || row == 0 { packB(shape, j, task.target.columns, b, panel, width) }
        (task.b, task.bStep) = (FloatsIn(panel), width)
      } else {
        (task.b, task.bStep) = (b + (start * shape.ldb + j), shape.ldb)
      }
      for group in 0..<groups.parts {
        let first = groups.start(group)
        let rows = groups.start(group + 1) - first
        task.aStep = rows
        task.target.start = target.start + ((row + first) * shape.ldc + j)
        if inPlace {
          task.a = a + ((row + first) * shape.lda + start)
        } else {
          let panel = panelsOfA + first * count
          if j == 0 { packA(shape, row + first, rows, a, panel) }
          task.a = FloatsIn(panel)
        }
        if j == 0 && !inPlace && !shape.transposeA {
          // What the next groups will pack; each row gets its turn several times.
          let column = group * wide % max(count, 1)
          task.next = a + ((row + first + rows) * shape.lda + start + column)
          task.nextStep = shape.lda
        } else if j + width < shape.n {
          prefetch(shape, b, j + width, group, share, &task)
        } else {
          (task.next, task.nextStep) = (FloatsIn(task.target.start), 0)
        }
        if inPlace {
          var task = MatrixRowsTask(task: task)
          task.run(rows, lanes: width)
        } else {
          task.run(rows, lanes: width)
        }
      }
      j += width
    }
  }

  /// Makes the tile of group `group` of `groups` ask for its share of the panel of B at column `j`.
  @inline(__always)
  private func prefetch(
    _ shape: MatrixProductShape, _ b: FloatsIn, _ j: Int, _ group: Int, _ share: Int,
    _ task: inout MatrixTask
  ) {
    task.nextStep = shape.ldb
    if shape.transposeB {
      // Two lines' width of all of the panel's rows.
      let column = min(group &* wide, count &- 1)
      task.next = b + (j &* shape.ldb &+ start &+ column)
    } else {
      task.next = b + ((start &+ group &* share) &* shape.ldb &+ j)
    }
  }

  /// Whether rows of A are read where they lie: worth it where few columns use them. Rows that are
  /// multiples of 4096 bytes apart would evict each other from the first-level cache.
  private func readsInPlace(_ shape: MatrixProductShape) -> Bool {
    !shape.transposeA && shape.lda & 1023 != 0 && shape.n <= 4 * wide
  }

  /// Packs rows row..<row + rows of op(A).
  private func packA(
    _ shape: MatrixProductShape, _ row: Int, _ rows: Int, _ a: FloatsIn, _ panel: FloatsOut
  ) {
    if shape.transposeA {
      let from = start * shape.lda + row
      packRows(
        rows, count, a + from, shape.lda, panel,
        readable: (shape.k - 1) * shape.lda + shape.m - from)
    } else {
      packTransposed(rows, count, a + (row * shape.lda + start), shape.lda, panel, rows)
    }
  }

  /// Packs the block's columns j..<j + columns of op(B) into lines of `width`.
  private func packB(
    _ shape: MatrixProductShape, _ j: Int, _ columns: Int, _ b: FloatsIn, _ panel: FloatsOut,
    _ width: Int
  ) {
    if shape.transposeB {
      let from = b + (j * shape.ldb + start)
      packTransposed(columns, count, from, shape.ldb, panel, width)
    } else {
      packColumns(
        columns, count, b + (start * shape.ldb + j), shape.ldb, panel, width)
    }
  }
}
