// The convolutions of `lenet` and `cnn` at batch 64, and some of a residual net.

import Basics
import Kernels

/// Three passes of one convolution, checked on two images, then timed.
func benchmarkConvolution(_ name: String, _ shape: ConvolutionShape) {
  guard wanted(name) else { return }
  let x = randomBuffer(shape.batch * shape.inputCount, 1)
  let w = randomBuffer(shape.weightCount, 2)
  let bias = randomBuffer(shape.outputChannels, 3)
  let y = FloatBuffer(count: shape.batch * shape.outputCount)
  let dy = randomBuffer(y.count, 4)
  let dx = FloatBuffer(count: x.count)
  let dw = FloatBuffer(count: w.count)
  let dbias = FloatBuffer(count: bias.count)
  let scratch = FloatBuffer(count: table.convolutionScratch(shape))
  func forward(_ kernels: KernelTable, _ s: ConvolutionShape) {
    kernels.convolutionForward(
      s, x: x.pointer, w: w.pointer, bias: bias.pointer, relu: true, y: y.pointer,
      scratch: scratch.pointer)
  }
  func backwardData(_ kernels: KernelTable, _ s: ConvolutionShape) {
    kernels.convolutionBackwardData(
      s, dy: dy.pointer, w: w.pointer, dx: dx.pointer, scratch: scratch.pointer)
  }
  func backwardWeights(_ kernels: KernelTable, _ s: ConvolutionShape) {
    kernels.convolutionBackwardWeights(
      s, x: x.pointer, dy: dy.pointer, dw: dw.pointer, dbias: dbias.pointer,
      scratch: scratch.pointer)
  }
  var two = shape
  two.batch = min(2, shape.batch)
  for (pass, result) in [(forward, y), (backwardData, dx), (backwardWeights, dw)] {
    let first = FloatBuffer(count: result.count)
    pass(table, two)
    first.copy(from: result)
    pass(ScalarKernels.self, two)
    expectClose(first, result, 1e-3, name)
  }
  let operations = 2 * shape.batch * shape.outputHeight * shape.outputWidth * shape.weightCount
  report("\(name) forward", operations: operations) { forward(table, shape) }
  if shape.inputChannels > 3 {
    report("\(name) backward data", operations: operations) { backwardData(table, shape) }
  }
  report("\(name) backward weights", operations: operations) { backwardWeights(table, shape) }
}

/// The fused convolution and pooling, both passes.
func benchmarkFused(_ name: String, _ shape: ConvolutionShape) {
  guard wanted(name), table.convolutionPoolSupports(shape) else { return }
  let x = randomBuffer(shape.batch * shape.inputCount, 1)
  let w = randomBuffer(shape.weightCount, 2)
  let bias = randomBuffer(shape.outputChannels, 3)
  let count =
    shape.batch * (shape.outputHeight / 2) * (shape.outputWidth / 2) * shape.outputChannels
  let (y, expected, dy) = (
    FloatBuffer(count: count), FloatBuffer(count: count), randomBuffer(count)
  )
  let choice = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
  defer { choice.deallocate() }
  let (dw, dwExpected) = (FloatBuffer(count: w.count), FloatBuffer(count: w.count))
  let dbias = FloatBuffer(count: bias.count)
  let scratch = FloatBuffer(count: table.convolutionScratch(shape))
  func forward(_ kernels: KernelTable, _ y: FloatBuffer) {
    kernels.convolutionPoolForward(
      shape, x: x.pointer, w: w.pointer, bias: bias.pointer, y: y.pointer, choice: choice,
      scratch: scratch.pointer)
  }
  func backward(_ kernels: KernelTable, _ dw: FloatBuffer) {
    kernels.convolutionPoolBackwardWeights(
      shape, x: x.pointer, dy: dy.pointer, choice: choice, dw: dw.pointer, dbias: dbias.pointer,
      scratch: scratch.pointer)
  }
  forward(ScalarKernels.self, expected)
  forward(table, y)
  expectClose(y, expected, 1e-4, name)
  backward(ScalarKernels.self, dwExpected)
  backward(table, dw)
  expectClose(dw, dwExpected, 1e-3, name)
  let operations = 8 * count * shape.weightCount / shape.outputChannels
  report("\(name) forward", operations: operations) { forward(table, y) }
  report("\(name) backward weights", operations: operations) { backward(table, dw) }
}

/// All convolutions.
func benchmarkConvolutions() {
  func square(_ side: Int, _ inputs: Int, _ outputs: Int, padding: Int, batch: Int = 64)
    -> ConvolutionShape
  {
    ConvolutionShape(
      batch: batch, height: side, width: side, inputChannels: inputs, outputChannels: outputs,
      kernel: 3, padding: padding)
  }
  benchmarkFused("conv+pool cnn 1x28x28->32 p0", square(28, 1, 32, padding: 0))
  benchmarkFused("conv+pool lenet 1x28x28->32 p1", square(28, 1, 32, padding: 1))
  benchmarkFused("conv+pool 3x32x32->32 p1", square(32, 3, 32, padding: 1))
  benchmarkConvolution("conv 1x28x28->32 p1", square(28, 1, 32, padding: 1))
  benchmarkConvolution("conv 3x32x32->64 p1", square(32, 3, 64, padding: 1))
  benchmarkConvolution("conv lenet 32x14x14->64 p1", square(14, 32, 64, padding: 1))
  benchmarkConvolution("conv 16x32x32->16 p1", square(32, 16, 16, padding: 1))
  benchmarkConvolution("conv 64x32x32->64 p1", square(32, 64, 64, padding: 1, batch: 8))
  benchmarkConvolution("conv 128x16x16->128 p1", square(16, 128, 128, padding: 1, batch: 8))
}
