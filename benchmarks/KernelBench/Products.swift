// Matrix products: squares in three forms, and the dense layers of `mlp` and `cnn` at batch
// 64, and those of `gpt` for 512 tokens.

import Basics
import Kernels

/// One product, checked, then timed.
func benchmarkProduct(_ name: String, _ shape: MatrixProductShape, bias: Bool = false) {
  guard wanted(name) else { return }
  let a = randomBuffer(shape.m * shape.k, 1)
  let b = randomBuffer(shape.k * shape.n, 2)
  let row = randomBuffer(shape.n, 3)
  let (c, expected) = (FloatBuffer(count: shape.m * shape.n), FloatBuffer(count: shape.m * shape.n))
  let scratch = FloatBuffer(count: table.matrixProductScratch(shape))
  func run() {
    table.matrixProduct(
      shape, a: a.pointer, b: b.pointer, bias: bias ? FloatsIn(row.pointer) : nil, c: c.pointer,
      scratch: scratch.pointer)
  }
  run()
  ScalarKernels.matrixProduct(
    shape, a: a.pointer, b: b.pointer, bias: bias ? FloatsIn(row.pointer) : nil,
    c: expected.pointer, scratch: scratch.pointer)
  expectClose(c, expected, 1e-4, name)
  report(name, operations: 2 * shape.m * shape.n * shape.k, run)
}

/// All products.
func benchmarkMatrixProducts() {
  for n in [64, 128, 256, 512, 768] {
    benchmarkProduct("product NN \(n)", .init(m: n, n: n, k: n))
  }
  benchmarkProduct("product NT 512", .init(m: 512, n: 512, k: 512, transposeB: true))
  benchmarkProduct("product TN 512", .init(m: 512, n: 512, k: 512, transposeA: true))
  for (inputs, outputs) in [(784, 512), (512, 256), (256, 10), (5408, 10), (3136, 128), (128, 10)] {
    benchmarkDense(64, inputs, outputs)
  }
  for (inputs, outputs) in [(128, 384), (128, 128), (128, 512), (512, 128)] {
    benchmarkDense(512, inputs, outputs)
  }
}

/// The three products of a dense layer.
private func benchmarkDense(_ rows: Int, _ inputs: Int, _ outputs: Int) {
  let name = "dense b\(rows) \(inputs)->\(outputs)"
  benchmarkProduct(
    "\(name) forward", .init(m: rows, n: outputs, k: inputs, relu: true), bias: true)
  benchmarkProduct(
    "\(name) backward data", .init(m: rows, n: inputs, k: outputs, transposeB: true))
  benchmarkProduct(
    "\(name) backward weights", .init(m: inputs, n: outputs, k: rows, transposeA: true))
}
