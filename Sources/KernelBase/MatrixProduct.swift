// C = op(A) op(B), cut into blocks that fit the caches (Goto, van de Geijn: "Anatomy of
// high-performance matrix multiplication", 2008). A block of B, at most 256 x 512, is packed into
// panels of one vector's width that stay in the second-level cache; for each group of rows of A,
// packed where that helps, the register tile sweeps over these panels.

import KernelABI

/// A part of the work: some columns of C, and some of the products of their sums.
private struct Block {
  var column: Int
  var columns: Int
  /// Products.
  var start: Int
  var count: Int

  /// At most this many products per sum before C is written.
  static var depth: Int { 256 }
  /// At most this many columns of C.
  static var columns: Int { 512 }
}

extension VectorKernels {
  /// A packed block of B and a packed panel of A.
  public static func matrixProductScratch(_ shape: MatrixProductShape) -> Int {
    let depth = min(Block.depth, max(shape.k, 1))
    let columns = min(Block.columns, rounded(max(shape.n, 1), wide))
    let general = depth * (columns + tileRows) + Target.edgeCount + 2 * packingSlack
    return max(general, shape.narrowScratch)
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
    var column = 0
    while column < shape.n {
      let columns = min(Block.columns, shape.n - column)
      for depth in 0..<depths.parts {
        let start = depths.start(depth)
        let count = shape.k == 0 ? 0 : depths.start(depth + 1) - start
        target.add = shape.accumulate || depth > 0
        target.bias = target.add ? nil : bias.map { $0 + column }
        target.relu = shape.relu && !shape.accumulate && depth == depths.parts - 1
        let block = Block(column: column, columns: columns, start: start, count: count)
        block.multiply(shape, a, b, target, scratch + Target.edgeCount)
      }
      column += columns
    }
  }
}

extension Block {
  /// Adds the block's products to all rows of C.
  fileprivate func multiply(
    _ shape: MatrixProductShape, _ a: FloatsIn, _ b: FloatsIn, _ target: Target,
    _ scratch: FloatsOut
  ) {
    let panelOfA = scratch + (rounded(columns, wide) * count + packingSlack)
    // One group of rows uses B once: not worth a copy, unless it must be transposed.
    let packsB = shape.m > tileRows || shape.transposeB
    let inPlace = packsB && readsInPlace(shape)
    // Twelve pointers to rows are one too many for the general registers.
    let groups = Partition(shape.m, largest: inPlace ? min(tileRows, 11) : tileRows)
    var task = MatrixTask(
      count: count, a: a, aStep: 1, rowStep: shape.lda, b: b, bStep: wide, target: target)
    for group in 0..<groups.parts {
      let row = groups.start(group)
      let rows = groups.start(group + 1) - row
      task.aStep = rows
      if inPlace {
        task.a = a + (row * shape.lda + start)
      } else {
        packA(shape, row, rows, a, panelOfA)
        task.a = FloatsIn(panelOfA)
      }
      var j = 0
      while j < columns {
        let width = columns - j <= half ? half : wide
        let panel = scratch + j * count
        task.target.columns = min(columns - j, width)
        task.target.start = target.start + (row * shape.ldc + column + j)
        task.target.bias = target.bias.map { $0 + j }
        if packsB || task.target.columns < width {
          if group == 0 { packB(shape, j, task.target.columns, b, panel, width) }
          (task.b, task.bStep) = (FloatsIn(panel), width)
        } else {
          (task.b, task.bStep) = (b + (start * shape.ldb + column + j), shape.ldb)
        }
        switch (inPlace, width == wide) {
        case (false, true): runTile(rows, Wide.self, task)
        case (false, false): runTile(rows, Half.self, task)
        case (true, true): runRowsTile(rows, Wide.self, task)
        case (true, false): runRowsTile(rows, Half.self, task)
        }
        j += width
      }
    }
  }

  /// Whether rows of A are read where they lie: rows that are multiples of 512 bytes apart would
  /// evict each other from the first-level cache.
  private func readsInPlace(_ shape: MatrixProductShape) -> Bool {
    !shape.transposeA && shape.lda & 127 != 0
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
      let from = b + ((column + j) * shape.ldb + start)
      packTransposed(columns, count, from, shape.ldb, panel, width)
    } else {
      packColumns(
        columns, count, b + (start * shape.ldb + column + j), shape.ldb, panel, width)
    }
  }
}
