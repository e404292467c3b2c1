import Kernels
import Testing

@Suite struct ConvolutionSharingTests {
  /// Of each way to compute a convolution: few channels, short rows, long rows, phases; Winograd's.
  private static let shapes = [
    (9, 30, 1, 20, 1), (7, 7, 3, 33, 2), (5, 6, 9, 16, 1), (9, 30, 16, 40, 2), (13, 12, 48, 32, 1),
  ].map { height, width, inputs, outputs, stride in
    ConvolutionShape(
      batch: 7, height: height, width: width, inputChannels: inputs, outputChannels: outputs,
      kernel: 3, stride: stride, padding: 1)
  }

  /// An image's results do not depend on the others in its call, and gradients of weights add up over
  /// calls.
  @Test(arguments: vectorSets, ConvolutionMethod.allCases)
  func imagesMayComeInAnyNumber(_ set: InstructionSet, _ method: ConvolutionMethod) throws {
    let table = try kernels(set)
    var numbers = Numbers(32)
    for var shape in Self.shapes where shape.supports(method) {
      shape.method = method
      let (inputs, outputs) = (shape.inputCount, shape.outputCount)
      let x = Guarded(7 * inputs, &numbers), dy = Guarded(7 * outputs, &numbers)
      let w = Guarded(shape.weightCount, &numbers), bias = Guarded(shape.outputChannels, &numbers)
      let (y, dx, dw, sum) = (dy.copy(), x.copy(), w.copy(), w.copy())
      let calls = ConvolutionCalls(table, shape)
      calls.forward(x, w, bias: bias, relu: true, y: y)
      calls.backwardData(dy, w, dx: dx, add: false)
      calls.backwardWeights(x, dy, dw: dw, dbias: nil, add: false)
      var first = 0
      for images in [1, 2, 4] {
        shape.batch = images
        let some = ConvolutionCalls(table, shape)
        let (from, gradient) = (
          x.part(first * inputs, images * inputs), dy.part(first * outputs, images * outputs)
        )
        let (result, back) = (Guarded(gradient.count), Guarded(from.count))
        some.forward(from, w, bias: bias, relu: true, y: result)
        #expect(identical(result, y.part(first * outputs, result.count)), "\(shape)")
        some.backwardData(gradient, w, dx: back, add: false)
        #expect(identical(back, dx.part(first * inputs, back.count)), "\(shape)")
        some.backwardWeights(from, gradient, dw: sum, dbias: nil, add: first > 0)
        first += images
      }
      #expect(relativeError(sum, dw) < 1e-5, "\(shape)")
    }
  }
}
