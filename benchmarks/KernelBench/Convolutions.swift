// The convolutions of `cnn`, `lenet`, residual nets and VGG, as many images per call as a network may
// send through a layer at a time.

import Basics
import Foundation
import Kernels

/// Three passes of one convolution by each method that it supports, checked on two images, then
/// timed, with weights prepared beforehand.
func benchmarkConvolution(_ name: String, _ shape: ConvolutionShape) {
  guard wanted(name) else { return }
  var direct: Double?
  for method in ConvolutionMethod.allCases where shape.supports(method) {
    var shape = shape
    shape.method = method
    let bench = ConvolutionBench(shape)
    let error = bench.check(name)
    let operations = 2 * shape.batch * shape.outputHeight * shape.outputWidth * shape.weightCount
    let line = "\(name) \(method)"
    let needsData = shape.inputChannels > 3
    let forward = report("\(line) forward", operations: operations) { bench.forward(table) }
    let data =
      needsData
      ? report("\(line) backward data", operations: operations) { bench.backwardData(table) } : 0
    let weights = report("\(line) backward weights", operations: operations) {
      bench.backwardWeights(table)
    }
    let prepare = measure(0.05) {
      bench.prepare(table, .forward)
      if needsData { bench.prepare(table, .backwardData) }
    }.best
    let sum = forward + data + weights
    direct = direct ?? sum
    print(
      column("\(line) sum", 44), number(sum * 1e6), "us,", number((direct ?? sum) / sum, 2, 0),
      "x direct; weights prepared in", number(prepare * 1e6, 1, 0), "us; error",
      String(format: "%.1e", error))
  }
}

/// The memory of one convolution, and its passes.
private struct ConvolutionBench {
  let shape: ConvolutionShape
  let x, w, bias, y, dy, dx, dw, dbias, scratch, prepared, preparedBack: FloatBuffer

  init(_ shape: ConvolutionShape) {
    self.shape = shape
    x = randomBuffer(shape.batch * shape.inputCount, 1)
    w = randomBuffer(shape.weightCount, 2)
    bias = randomBuffer(shape.outputChannels, 3)
    y = FloatBuffer(count: shape.batch * shape.outputCount)
    dy = randomBuffer(y.count, 4)
    dx = FloatBuffer(count: x.count)
    dw = FloatBuffer(count: w.count)
    dbias = FloatBuffer(count: bias.count)
    scratch = FloatBuffer(count: table.convolutionScratch(shape))
    prepared = FloatBuffer(count: table.convolutionPreparedCount(shape, .forward))
    preparedBack = FloatBuffer(count: table.convolutionPreparedCount(shape, .backwardData))
    prepare(table, .forward)
    prepare(table, .backwardData)
  }

  func prepare(_ kernels: KernelTable, _ direction: ConvolutionDirection) {
    kernels.convolutionPrepare(
      shape, direction, w: w.pointer,
      prepared: (direction == .forward ? prepared : preparedBack).pointer,
      scratch: scratch.pointer)
  }

  func forward(_ kernels: KernelTable, _ images: Int? = nil) {
    kernels.convolutionForward(
      some(images), x: x.pointer, w: w.pointer, prepared: prepared.pointer, bias: bias.pointer,
      relu: true, y: y.pointer, scratch: scratch.pointer)
  }

  func backwardData(_ kernels: KernelTable, _ images: Int? = nil) {
    kernels.convolutionBackwardData(
      some(images), dy: dy.pointer, w: w.pointer, prepared: preparedBack.pointer, dx: dx.pointer,
      add: false, scratch: scratch.pointer)
  }

  /// One call of many, as a batch in pieces has them.
  func backwardWeights(_ kernels: KernelTable) {
    kernels.convolutionBackwardWeights(
      shape, x: x.pointer, dy: dy.pointer, dw: dw.pointer, dbias: dbias.pointer,
      add: true, scratch: scratch.pointer)
  }

  /// The only call.
  func allWeights(_ kernels: KernelTable, _ images: Int?) {
    kernels.convolutionBackwardWeights(
      some(images), x: x.pointer, dy: dy.pointer, dw: dw.pointer, dbias: dbias.pointer,
      add: false, scratch: scratch.pointer)
  }

  private func some(_ images: Int?) -> ConvolutionShape {
    var shape = shape
    shape.batch = images ?? shape.batch
    return shape
  }

  /// Compares one or two images with the scalar reference: the largest error of the three passes,
  /// relative to a result's largest number.
  func check(_ name: String) -> Float {
    let few = min(shape.weightCount > 1 << 20 ? 1 : 2, shape.batch)
    var error: Float = 0
    for (pass, result) in [(forward, y), (backwardData, dx), (allWeights, dw)] {
      let first = FloatBuffer(count: result.count)
      pass(table, few)
      first.copy(from: result)
      pass(ScalarKernels.self, few)
      expectClose(first, result, 1e-3, "\(name) \(shape.method)")
      var (difference, largest) = (Float(0), Float(0))
      for i in 0..<result.count {
        difference = max(difference, abs(first[i] - result[i]))
        largest = max(largest, abs(result[i]))
      }
      error = max(error, difference / largest)
    }
    return error
  }
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
  func square(
    _ side: Int, _ inputs: Int, _ outputs: Int, padding: Int, batch: Int = 64, kernel: Int = 3,
    stride: Int = 1
  ) -> ConvolutionShape {
    ConvolutionShape(
      batch: batch, height: side, width: side, inputChannels: inputs, outputChannels: outputs,
      kernel: kernel, stride: stride, padding: padding)
  }
  benchmarkFused("conv+pool cnn 1x28x28->32 p0", square(28, 1, 32, padding: 0))
  benchmarkFused("conv+pool lenet 1x28x28->32 p1", square(28, 1, 32, padding: 1))
  benchmarkFused("conv+pool 3x32x32->32 p1", square(32, 3, 32, padding: 1))
  benchmarkConvolution("conv 1x28x28->32", square(28, 1, 32, padding: 1))
  benchmarkConvolution("conv 3x32x32->16", square(32, 3, 16, padding: 1))
  benchmarkConvolution("conv 3x32x32->64", square(32, 3, 64, padding: 1, batch: 16))
  benchmarkConvolution("conv lenet 32x14x14->64", square(14, 32, 64, padding: 1, batch: 16))
  benchmarkConvolution("conv 16x32x32->16", square(32, 16, 16, padding: 1, batch: 8))
  benchmarkConvolution("conv 32x16x16->32", square(16, 32, 32, padding: 1, batch: 16))
  benchmarkConvolution("conv 64x8x8->64", square(8, 64, 64, padding: 1, batch: 32))
  benchmarkConvolution("conv 64x32x32->64", square(32, 64, 64, padding: 1, batch: 4))
  benchmarkConvolution("conv 64x16x16->128", square(16, 64, 128, padding: 1, batch: 8))
  benchmarkConvolution("conv 128x16x16->128", square(16, 128, 128, padding: 1, batch: 8))
  benchmarkConvolution("conv 128x8x8->256", square(8, 128, 256, padding: 1, batch: 16))
  benchmarkConvolution("conv 256x8x8->256", square(8, 256, 256, padding: 1, batch: 16))
  benchmarkConvolution("conv 256x4x4->512", square(4, 256, 512, padding: 1, batch: 32))
  benchmarkConvolution("conv 512x4x4->512", square(4, 512, 512, padding: 1, batch: 32))
  benchmarkConvolution("conv 512x2x2->512", square(2, 512, 512, padding: 1, batch: 32))
  benchmarkConvolution("conv 16x32x32->32 s2", square(32, 16, 32, padding: 1, batch: 16, stride: 2))
  benchmarkConvolution(
    "conv 64x32x32->128 s2", square(32, 64, 128, padding: 1, batch: 8, stride: 2))
  benchmarkConvolution(
    "conv 1x1 64x32x32->128 s2", square(32, 64, 128, padding: 0, batch: 8, kernel: 1, stride: 2))
}
