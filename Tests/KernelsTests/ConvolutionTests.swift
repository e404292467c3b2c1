import Kernels
import Testing

@Suite struct ConvolutionTests {
  static let shapes: [ConvolutionShape] = {
    var shapes = [
      ConvolutionShape(
        batch: 2, height: 14, width: 14, inputChannels: 32, outputChannels: 64,
        kernel: 3, padding: 1),
      ConvolutionShape(
        batch: 3, height: 28, width: 28, inputChannels: 1, outputChannels: 32,
        kernel: 3, padding: 1),
      ConvolutionShape(
        batch: 2, height: 32, width: 32, inputChannels: 3, outputChannels: 16,
        kernel: 3, padding: 1),
      ConvolutionShape(
        batch: 2, height: 8, width: 8, inputChannels: 16, outputChannels: 32,
        kernel: 3, stride: 2, padding: 1),
      ConvolutionShape(
        batch: 2, height: 9, width: 9, inputChannels: 16, outputChannels: 33,
        kernel: 1, stride: 2),
      ConvolutionShape(
        batch: 1, height: 1, width: 1, inputChannels: 1, outputChannels: 1,
        kernel: 1),
      ConvolutionShape(
        batch: 1, height: 2, width: 3, inputChannels: 9, outputChannels: 5,
        kernel: 5, padding: 2),
      ConvolutionShape(
        batch: 2, height: 17, width: 30, inputChannels: 8, outputChannels: 48,
        kernel: 7, stride: 3, padding: 3),
      ConvolutionShape(
        batch: 1, height: 6, width: 6, inputChannels: 4, outputChannels: 4,
        kernel: 3, padding: 4),
      ConvolutionShape(
        batch: 0, height: 6, width: 6, inputChannels: 4, outputChannels: 4,
        kernel: 3, padding: 1),
    ]
    // More padding than kernel; a width of one; kernels that find no place.
    for (height, width, channels, kernel, stride, padding) in [
      (9, 9, 1, 1, 1, 3), (7, 7, 1, 3, 1, 5), (7, 7, 9, 3, 2, 5), (9, 1, 2, 3, 2, 1),
      (9, 1, 2, 3, 3, 1), (9, 1, 20, 3, 2, 1), (9, 1, 20, 3, 3, 1), (9, 1, 2, 3, 2, 0),
      (9, 1, 20, 3, 3, 0), (2, 9, 2, 3, 2, 0), (2, 9, 20, 3, 2, 0), (2, 9, 20, 3, 3, 0),
    ] {
      shapes.append(
        ConvolutionShape(
          batch: 2, height: height, width: width, inputChannels: channels, outputChannels: 5,
          kernel: kernel, stride: stride, padding: padding))
    }
    var numbers = Numbers(11)
    for _ in 0..<60 {
      var shape = ConvolutionShape(
        batch: numbers.int(1...3), height: numbers.int(5...19), width: numbers.int(5...27),
        inputChannels: numbers.int(1...20), outputChannels: numbers.int(1...40),
        kernel: 1, stride: numbers.int(1...3), padding: numbers.int(0...3))
      shape.kernelHeight = numbers.int(1...5)
      shape.kernelWidth = numbers.int(1...5)
      shapes.append(shape)
    }
    return shapes
  }()

  @Test(arguments: vectorSets) func forward(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(12)
    for (i, shape) in Self.shapes.enumerated() {
      let x = Guarded(shape.batch * shape.inputCount, &numbers)
      let w = Guarded(shape.weightCount, &numbers)
      let bias = Guarded(shape.outputChannels, &numbers)
      let expected = Guarded(shape.batch * shape.outputCount)
      let (y, again) = (expected.copy(), expected.copy())
      let calls = ConvolutionCalls(table, shape)
      let row = i % 3 == 0 ? nil : bias
      ConvolutionCalls(ScalarKernels.self, shape).forward(
        x, w, bias: row, relu: i % 2 == 0, y: expected)
      for target in [y, again] { calls.forward(x, w, bias: row, relu: i % 2 == 0, y: target) }
      #expect(distance(y, expected) < 2e-5, "\(shape)")
      #expect(y.intact && calls.intact && identical(y, again), "\(shape)")
    }
  }

  @Test(arguments: vectorSets) func backwardData(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(13)
    for (i, shape) in Self.shapes.enumerated() {
      let dy = Guarded(shape.batch * shape.outputCount, &numbers)
      let w = Guarded(shape.weightCount, &numbers)
      let before = Guarded(shape.batch * shape.inputCount, &numbers)
      let (expected, dx, again) = (before.copy(), before.copy(), before.copy())
      let calls = ConvolutionCalls(table, shape)
      ConvolutionCalls(ScalarKernels.self, shape).backwardData(dy, w, dx: expected, add: i % 2 == 0)
      for target in [dx, again] { calls.backwardData(dy, w, dx: target, add: i % 2 == 0) }
      #expect(distance(dx, expected) < 2e-5, "\(shape)")
      #expect(dx.intact && calls.intact && identical(dx, again), "\(shape)")
    }
  }

  @Test(arguments: vectorSets) func backwardWeights(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(14)
    for (i, shape) in Self.shapes.enumerated() {
      let x = Guarded(shape.batch * shape.inputCount, &numbers)
      let dy = Guarded(shape.batch * shape.outputCount, &numbers)
      let (before, bias) = (
        Guarded(shape.weightCount, &numbers), Guarded(shape.outputChannels, &numbers)
      )
      let (expected, expectedBias) = (before.copy(), bias.copy())
      let (dw, dbias, again) = (before.copy(), bias.copy(), before.copy())
      let (calls, add) = (ConvolutionCalls(table, shape), i % 2 == 0)
      ConvolutionCalls(ScalarKernels.self, shape).backwardWeights(
        x, dy, dw: expected, dbias: expectedBias, add: add)
      calls.backwardWeights(x, dy, dw: dw, dbias: i % 3 == 0 ? nil : dbias, add: add)
      calls.backwardWeights(x, dy, dw: again, dbias: nil, add: add)
      #expect(distance(dw, expected) < 5e-5, "\(shape)")
      #expect(distance(dbias, i % 3 == 0 ? bias : expectedBias) < 5e-5, "\(shape)")
      #expect(dw.intact && dbias.intact && calls.intact && identical(dw, again), "\(shape)")
    }
  }

  /// <conv(x, w), dy> = <x, backwardData(dy, w)> = <w, backwardWeights(x, dy)>.
  @Test(arguments: KernelSelection.available) func passesAreAdjoint(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(15)
    for shape in Self.shapes where shape.batch > 0 && shape.outputCount > 0 {
      let x = Guarded(shape.batch * shape.inputCount, &numbers)
      let dy = Guarded(shape.batch * shape.outputCount, &numbers)
      let w = Guarded(shape.weightCount, &numbers)
      let (y, dx, dw) = (dy.copy(), x.copy(), w.copy())
      let calls = ConvolutionCalls(table, shape)
      calls.forward(x, w, bias: nil, relu: false, y: y)
      calls.backwardData(dy, w, dx: dx, add: false)
      calls.backwardWeights(x, dy, dw: dw, dbias: nil, add: false)
      let forward = ScalarKernels.dot(y.count, x: y.values, y: dy.values)
      let data = ScalarKernels.dot(x.count, x: x.values, y: dx.values)
      let weights = ScalarKernels.dot(w.count, x: w.values, y: dw.values)
      let size = 1e-5 * (1 + Double(y.count).squareRoot() * Double(shape.inputChannels))
      #expect(abs(forward - data) < size && abs(forward - weights) < size, "\(shape)")
    }
  }
  @Test func kernelsLargerThanTheImageFindNoPlace() {
    for stride in 1...3 {
      let shape = ConvolutionShape(
        batch: 1, height: 2, width: 5, inputChannels: 1, outputChannels: 1, kernel: 3,
        stride: stride)
      #expect(shape.outputHeight == 0 && shape.outputWidth == 2 / stride + 1)
      let pooling = PoolingShape(
        batch: 1, height: 2, width: 5, channels: 1, window: 3, stride: stride)
      #expect(pooling.outputHeight == 0 && pooling.outputWidth == 2 / stride + 1)
    }
  }
}
