// Rows of a table by their numbers, and back: as fast as memory copies and adds.

import CSIMD
import KernelABI

extension VectorKernels {
  /// 8 bytes of traffic per float of y.
  public static func gatherRows(
    _ count: Int, width: Int, symbols: Int, indices: UnsafePointer<Int32>, table: FloatsIn,
    y: FloatsOut
  ) {
    for i in 0..<count {
      let index = Int(indices[i])
      precondition(index >= 0 && index < symbols, "an index must be a row of the table")
      (y + i &* width).update(from: table + index &* width, count: width)
    }
  }

  /// 12 bytes of traffic per float of dy.
  public static func scatterAddRows(
    _ count: Int, width: Int, symbols: Int, indices: UnsafePointer<Int32>, dy: FloatsIn,
    dtable: FloatsOut
  ) {
    for i in 0..<count {
      let index = Int(indices[i])
      precondition(index >= 0 && index < symbols, "an index must be a row of the table")
      add(width, x: dy + i &* width, y: dtable + index &* width)
    }
  }
}
