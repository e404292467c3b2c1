import Kernels
import Testing

@Suite struct ConvolutionPoolTests {
  static let shapes: [ConvolutionShape] = {
    var shapes: [ConvolutionShape] = []
    for (height, width) in [(28, 28), (4, 4), (5, 9), (7, 6), (13, 12)] {
      for padding in 0...1 {
        for (inputs, outputs) in [(1, 32), (2, 16), (3, 48), (4, 16), (1, 64)] {
          shapes.append(
            ConvolutionShape(
              batch: 2, height: height, width: width, inputChannels: inputs,
              outputChannels: outputs, kernel: 3, padding: padding))
        }
      }
    }
    return shapes
  }()

  @Test(arguments: vectorSets) func bothPasses(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(21)
    for shape in Self.shapes {
      let supported = table.convolutionPoolSupports(shape)
      #expect(supported)
      let count =
        shape.batch * (shape.outputHeight / 2) * (shape.outputWidth / 2) * shape.outputChannels
      let x = Guarded(shape.batch * shape.inputCount, &numbers)
      let w = Guarded(shape.weightCount, &numbers)
      let bias = Guarded(shape.outputChannels, &numbers)
      for channel in 0..<shape.outputChannels { bias[channel] -= 1 }  // Some windows stay closed.
      let (y, expected) = (Guarded(count), Guarded(count))
      let (choice, expectedChoice) = (GuardedBytes(count), GuardedBytes(count))
      let scratch = Guarded(table.convolutionScratch(shape))
      ScalarKernels.convolutionPoolForward(
        shape, x: x.values, w: w.values, bias: bias.values, y: expected.out,
        choice: expectedChoice.out, scratch: scratch.out)
      table.convolutionPoolForward(
        shape, x: x.values, w: w.values, bias: bias.values, y: y.out, choice: choice.out,
        scratch: scratch.out)
      #expect(distance(y, expected) < 1e-5, "\(shape)")
      #expect(y.intact && choice.intact && scratch.intact, "\(shape)")
      // Rounding may decide a tie otherwise, but hardly ever.
      let differing = (0..<count).filter { choice.out[$0] != expectedChoice.out[$0] }.count
      #expect(differing <= count / 1000, "\(shape)")

      let dy = Guarded(count, &numbers)
      let (dw, dwExpected) = (Guarded(w.count), Guarded(w.count))
      let (dbias, dbiasExpected) = (Guarded(bias.count), Guarded(bias.count))
      ScalarKernels.convolutionPoolBackwardWeights(
        shape, x: x.values, dy: dy.values, choice: choice.out, dw: dwExpected.out,
        dbias: dbiasExpected.out, scratch: scratch.out)
      table.convolutionPoolBackwardWeights(
        shape, x: x.values, dy: dy.values, choice: choice.out, dw: dw.out, dbias: dbias.out,
        scratch: scratch.out)
      #expect(distance(dw, dwExpected) < 2e-5, "\(shape)")
      #expect(distance(dbias, dbiasExpected) < 2e-5, "\(shape)")
      #expect(dw.intact && dbias.intact && scratch.intact, "\(shape)")
    }
  }

  @Test(arguments: vectorSets) func equalsTakeTheFirstAndNaNWins(_ set: InstructionSet) throws {
    let table = try kernels(set)
    let shape = ConvolutionShape(
      batch: 1, height: 4, width: 4, inputChannels: 1, outputChannels: 16, kernel: 3)
    let x = Guarded(16, filledWith: 0)
    let w = Guarded(shape.weightCount, filledWith: 1)
    let bias = Guarded(16, filledWith: 1)
    (bias[3], bias[5], bias[6]) = (.nan, 0, -1)
    let (y, choice) = (Guarded(16), GuardedBytes(16))
    let scratch = Guarded(table.convolutionScratch(shape))
    table.convolutionPoolForward(
      shape, x: x.values, w: w.values, bias: bias.values, y: y.out, choice: choice.out,
      scratch: scratch.out)
    for channel in 0..<16 {
      switch channel {
      case 3: #expect(y[channel].isNaN && choice.out[channel] < 4)
      case 5, 6: #expect(y[channel] == 0 && choice.out[channel] == 4)
      default: #expect(y[channel] == 1 && choice.out[channel] == 0)
      }
    }
  }
}
