// Rows of which most numbers are zero: products touch the rows of a matrix that they name.

/// Products of one sparse row; (in, columns) matrices, row-major. Indices must be in 0..<in: nobody
/// checks them here, where a row's product may be shorter than the check.
public protocol SparseKernels: SendableMetatype {
  /// y = [bias +] sum over the row's `count` entries of value * row `index` of w.
  static func sparseRowProduct(
    _ count: Int, indices: UnsafePointer<Int32>, values: FloatsIn, columns: Int, w: FloatsIn,
    bias: FloatsIn?, y: FloatsOut)
  /// Row `index` of dw += value * dy, for every entry, in order.
  static func sparseRowScatter(
    _ count: Int, indices: UnsafePointer<Int32>, values: FloatsIn, columns: Int, dy: FloatsIn,
    dw: FloatsOut)
}
