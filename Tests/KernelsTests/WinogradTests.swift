import Kernels
import Testing

@Suite struct WinogradTests {
  /// Inner layers of networks, then tiles that borders clip in every way.
  static let shapes: [ConvolutionShape] = {
    var shapes: [ConvolutionShape] = []
    func add(
      _ height: Int, _ width: Int, _ inputs: Int, _ outputs: Int, padding: Int = 1, batch: Int = 1
    ) {
      var shape = ConvolutionShape(
        batch: batch, height: height, width: width, inputChannels: inputs,
        outputChannels: outputs, kernel: 3, padding: padding)
      shape.method = .f4
      shapes.append(shape)
    }
    add(32, 32, 16, 16)
    add(16, 16, 32, 32, batch: 3)
    add(14, 14, 32, 64, batch: 2)
    add(8, 8, 64, 64, batch: 5)
    add(8, 8, 128, 128)
    add(4, 4, 256, 256, batch: 2)
    add(4, 4, 512, 512)
    add(2, 2, 256, 272)
    add(7, 5, 48, 80, batch: 3)
    add(7, 5, 144, 16, padding: 0, batch: 2)
    add(9, 13, 16, 48, padding: 2, batch: 2)
    add(1, 1, 16, 32, batch: 7)
    add(1, 9, 32, 16, batch: 2)
    add(3, 3, 16, 16, padding: 0)
    add(6, 7, 16, 16, batch: 0)
    return shapes
  }()

  /// Rounding: of the largest number of the result, against sums in double precision.
  @Test(arguments: shapes) func errorsAreWithinBounds(_ shape: ConvolutionShape) throws {
    var numbers = Numbers(31)
    let x = Guarded(shape.batch * shape.inputCount, &numbers)
    let w = Guarded(shape.weightCount, &numbers)
    let bias = Guarded(shape.outputChannels, &numbers)
    let dy = Guarded(shape.batch * shape.outputCount, &numbers)
    let results = [Guarded(dy.count), x.copy(), w.copy(), bias.copy()]
    func run(_ calls: ConvolutionCalls, _ results: [Guarded]) {
      calls.forward(x, w, bias: bias, relu: true, y: results[0])
      calls.backwardData(dy, w, dx: results[1], add: true)
      calls.backwardWeights(x, dy, dw: results[2], dbias: results[3], add: true)
    }
    let expected = results.map { $0.copy() }
    run(ConvolutionCalls(ScalarKernels.self, shape), expected)
    for set in vectorSets {
      for method in [ConvolutionMethod.f2, .f4] {
        var shape = shape
        shape.method = method
        let calls = ConvolutionCalls(try kernels(set), shape)
        let (first, second) = (results.map { $0.copy() }, results.map { $0.copy() })
        run(calls, first)
        run(calls, second)
        #expect(calls.intact, "\(set) \(shape)")
        let bounds: [Float] = method == .f4 ? [1e-5, 1e-5, 2e-5, 2e-6] : [2e-6, 2e-6, 2e-6, 2e-6]
        for (i, bound) in bounds.enumerated() {
          let error = relativeError(first[i], expected[i])
          #expect(error < bound, "\(set) \(shape) result \(i)")
          #expect(first[i].intact && identical(first[i], second[i]), "\(set) \(shape) \(i)")
        }
      }
    }
  }

  /// NaN and infinity reach every result that sees them, and no other image; the rest of their tile
  /// may be lost with them.
  @Test(arguments: vectorSets) func nothingHides(_ set: InstructionSet) throws {
    let table = try kernels(set)
    for method in [ConvolutionMethod.f2, .f4] {
      for bad in [Float.nan, .infinity] {
        var shape = ConvolutionShape(
          batch: 2, height: 6, width: 6, inputChannels: 16, outputChannels: 16, kernel: 3,
          padding: 1)
        shape.method = method
        let x = Guarded(2 * shape.inputCount, filledWith: 1)
        x[(3 * 6 + 2) * 16 + 5] = bad
        let w = Guarded(shape.weightCount, filledWith: 1)
        let (y, dw) = (Guarded(2 * shape.outputCount), w.copy())
        let dy = Guarded(y.count, filledWith: 1)
        let calls = ConvolutionCalls(table, shape)
        calls.forward(x, w, bias: nil, relu: true, y: y)
        for row in 2...4 {
          for column in 1...3 {
            #expect(!y[(row * 6 + column) * 16].isFinite, "\(method) \(row) \(column)")
          }
        }
        #expect((shape.outputCount..<y.count).allSatisfy { y[$0].isFinite })
        calls.backwardWeights(x, dy, dw: dw, dbias: nil, add: false)
        #expect((0..<9).allSatisfy { !dw[($0 * 16 + 5) * 16].isFinite })
        #expect((0..<9).allSatisfy { dw[($0 * 16 + 4) * 16].isFinite })
      }
    }
  }
}
