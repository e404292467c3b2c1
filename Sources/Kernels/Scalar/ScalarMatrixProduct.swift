// Matrix product by its definition: c[i, j] = sum over p of a[i, p] b[p, j].

import KernelABI

extension ScalarKernels {
  /// Zero.
  public static func matrixProductScratch(_ shape: MatrixProductShape) -> Int { 0 }

  /// 2 m n k operations, sums in double precision.
  public static func matrixProduct(
    _ shape: MatrixProductShape, a: FloatsIn, b: FloatsIn, bias: FloatsIn?, c: FloatsOut,
    scratch: FloatsOut
  ) {
    // Steps through A and B along the inner extent, and across it.
    let (aInner, aOuter) = shape.transposeA ? (shape.lda, 1) : (1, shape.lda)
    let (bInner, bOuter) = shape.transposeB ? (1, shape.ldb) : (shape.ldb, 1)
    for i in 0..<shape.m {
      for j in 0..<shape.n {
        var sum = 0.0
        for p in 0..<shape.k {
          sum += Double(a[i * aOuter + p * aInner]) * Double(b[p * bInner + j * bOuter])
        }
        let place = i * shape.ldc + j
        let before = shape.accumulate ? Double(c[place]) : 0
        let value = Float(before + sum + Double(bias?[j] ?? 0))
        c[place] = shape.relu ? rectified(value) : value
      }
    }
  }
}
