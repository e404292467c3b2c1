// Products of sparse rows by their definition.

import KernelABI

extension ScalarKernels {
  /// Sums in double precision.
  public static func sparseRowProduct(
    _ count: Int, indices: UnsafePointer<Int32>, values: FloatsIn, columns: Int, w: FloatsIn,
    bias: FloatsIn?, y: FloatsOut
  ) {
    for column in 0..<columns {
      var sum = Double(bias?[column] ?? 0)
      for i in 0..<count {
        sum += Double(values[i]) * Double(w[Int(indices[i]) * columns + column])
      }
      y[column] = Float(sum)
    }
  }

  /// One addition per entry and column.
  public static func sparseRowScatter(
    _ count: Int, indices: UnsafePointer<Int32>, values: FloatsIn, columns: Int, dy: FloatsIn,
    dw: FloatsOut
  ) {
    for i in 0..<count {
      for column in 0..<columns { dw[Int(indices[i]) * columns + column] += values[i] * dy[column] }
    }
  }
}
