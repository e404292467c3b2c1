// C = op(A) op(B), cut into blocks that fit the caches (Goto, van de Geijn: "Anatomy of
// high-performance matrix multiplication", 2008). A block of B, at most 256 x 512, is packed into
// panels of one vector's width that stay in the second-level cache; for each group of rows of A,
// packed where that helps, the register tile sweeps over these panels.

import KernelABI

/// Sizes of the blocks.
private enum Block {
  /// Products per sum before C is written.
  static var depth: Int { 256 }
  /// Columns of C.
  static var columns: Int { 512 }
}

extension VectorKernels {
  /// A packed block of B and a packed panel of A.
  public static func matrixProductScratch(_ shape: MatrixProductShape) -> Int {
    let depth = min(Block.depth, max(shape.k, 1))
    let columns = min(Block.columns, rounded(max(shape.n, 1), wide))
    return depth * (columns + tileRows) + 2 * packingSlack
  }

  /// 2 m n k operations; near the processor's peak from about 64 x 64 x 64 on.
  public static func matrixProduct(
    _ shape: MatrixProductShape, a: FloatsIn, b: FloatsIn, bias: FloatsIn?, c: FloatsOut,
    scratch: FloatsOut
  ) {
    guard shape.m > 0 && shape.n > 0 else { return }
    let panels = scratch
    let depths = Partition(max(shape.k, 1), largest: Block.depth)
    var column = 0
    while column < shape.n {
      let columns = min(Block.columns, shape.n - column)
      for depth in 0..<depths.parts {
        let start = depths.start(depth)
        let count = shape.k == 0 ? 0 : depths.start(depth + 1) - start
        let finish = Finish(
          add: shape.accumulate || depth > 0,
          bias: shape.accumulate || depth > 0 ? nil : bias.map { $0 + column },
          relu: shape.relu && !shape.accumulate && depth == depths.parts - 1)
        multiplyBlock(
          shape, column: column, columns: columns, start: start, count: count, finish: finish,
          a: a, b: b, c: c, panels: panels,
          panelOfA: panels + (rounded(columns, wide) * count + packingSlack))
      }
      column += columns
    }
  }

  /// Adds `count` products to every sum of `columns` columns of C.
  private static func multiplyBlock(
    _ shape: MatrixProductShape, column: Int, columns: Int, start: Int, count: Int, finish: Finish,
    a: FloatsIn, b: FloatsIn, c: FloatsOut, panels: FloatsOut, panelOfA: FloatsOut
  ) {
    let groups = Partition(shape.m, largest: tileRows)
    // One group of rows uses B once: not worth a copy, unless it must be transposed.
    let packsB = groups.parts > 1 || shape.transposeB
    for group in 0..<groups.parts {
      let row = groups.start(group)
      let rows = groups.start(group + 1) - row
      var task = MatrixTask(
        count: count, a: a, aStep: rows, rowStep: shape.lda, b: b, bStep: wide,
        c: c + row * shape.ldc + column, cStep: shape.ldc, columns: wide, finish: finish)
      let direct = readsInPlace(shape)
      if direct {
        task.a = a + (row * shape.lda + start)
      } else {
        pack(shape, row: row, rows: rows, start: start, count: count, a: a, to: panelOfA)
        task.a = FloatsIn(panelOfA)
      }
      var j = 0
      while j < columns {
        let rest = columns - j
        let width = rest <= half ? half : wide
        task.columns = min(rest, width)
        let panel = panels + j * count
        let source =
          b
          + (shape.transposeB
            ? (column + j) * shape.ldb + start : start * shape.ldb + column + j)
        if packsB || task.columns < width {
          if group == 0 {
            if shape.transposeB {
              packTransposed(task.columns, count, source, shape.ldb, panel, width)
            } else {
              packColumns(task.columns, count, source, shape.ldb, panel, width)
            }
          }
          (task.b, task.bStep) = (FloatsIn(panel), width)
        } else {
          (task.b, task.bStep) = (source, shape.ldb)
        }
        task.c = c + (row * shape.ldc + column + j)
        task.finish.bias = finish.bias.map { $0 + j }
        switch (direct, width == wide) {
        case (false, true): runTile(rows, Wide.self, task)
        case (false, false): runTile(rows, Half.self, task)
        case (true, true): runRowsTile(rows, Wide.self, task)
        case (true, false): runRowsTile(rows, Half.self, task)
        }
        j += width
      }
    }
  }

  /// Whether rows of A are read where they lie. Rows that are a multiple of 4 KB apart would evict
  /// each other from the first-level cache.
  @inline(__always)
  private static func readsInPlace(_ shape: MatrixProductShape) -> Bool {
    !shape.transposeA && shape.lda & 511 != 0
  }

  /// Packs rows row..<row + rows of op(A).
  @inline(__always)
  private static func pack(
    _ shape: MatrixProductShape, row: Int, rows: Int, start: Int, count: Int, a: FloatsIn,
    to panel: FloatsOut
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
}
