// Products of sparse rows. Lanes are columns: where there are few, a row of the matrix is one partial
// vector, and the time goes into finding it in memory.

import CSIMD
import KernelABI

extension VectorKernels {
  /// One visit to a row of w per entry and 32 columns.
  public static func sparseRowProduct(
    _ count: Int, indices: UnsafePointer<Int32>, values: FloatsIn, columns: Int, w: FloatsIn,
    bias: FloatsIn?, y: FloatsOut
  ) {
    guard columns > 4 else {
      for column in 0..<columns {
        var sum = bias?[column] ?? 0
        for i in 0..<count { sum += values[i] * w[Int(indices[i]) &* columns &+ column] }
        y[column] = sum
      }
      return
    }
    forEachWide(columns) { column, lanes in
      var sum = bias.map { $0[column, lanes] } ?? Wide()
      for i in 0..<count {
        sum = csimd_fma(values[i], (w + Int(indices[i]) &* columns)[column, lanes], sum)
      }
      y[column, lanes] = sum
    }
  }

  /// One visit to a row of dw per entry and 32 columns.
  public static func sparseRowScatter(
    _ count: Int, indices: UnsafePointer<Int32>, values: FloatsIn, columns: Int, dy: FloatsIn,
    dw: FloatsOut
  ) {
    guard columns > 4 else {
      for i in 0..<count {
        let row = dw + Int(indices[i]) &* columns
        for column in 0..<columns { row[column] += values[i] * dy[column] }
      }
      return
    }
    forEachWide(columns) { column, lanes in
      let gradient = dy[column, lanes]
      for i in 0..<count {
        let row = dw + Int(indices[i]) &* columns
        row[column, lanes] = csimd_fma(values[i], gradient, row[column, lanes])
      }
    }
  }
}
