import Kernels
import Testing

@Suite struct ConvolutionMethodTests {
  private func shape(
    _ side: Int, _ inputs: Int, _ outputs: Int, kernel: Int = 3, stride: Int = 1, padding: Int = 1
  ) -> ConvolutionShape {
    ConvolutionShape(
      batch: 1, height: side, width: side, inputChannels: inputs, outputChannels: outputs,
      kernel: kernel, stride: stride, padding: padding)
  }

  @Test func winogradNeedsSmallKernelsAndWholeVectors() {
    let supported = shape(8, 16, 32)
    #expect(ConvolutionMethod.allCases.allSatisfy(supported.supports))
    for other in [
      shape(8, 3, 16), shape(8, 16, 24), shape(8, 16, 16, kernel: 5), shape(8, 16, 16, stride: 2),
      shape(8, 16, 16, kernel: 1, padding: 0), shape(8, 16, 16, padding: 3),
      shape(2, 16, 16, padding: 0),
    ] {
      #expect(other.supports(.direct) && !other.supports(.f2) && !other.supports(.f4))
      #expect(ConvolutionMethod.chosen(for: other) == .direct)
    }
  }

  @Test func leastMultiplicationsWin() {
    let sides: [(ConvolutionMethod, [Int])] = [
      (.direct, [1]), (.f2, [2, 5, 6]), (.f4, [3, 4, 7, 8, 9, 10, 13, 14, 16, 28, 32]),
    ]
    for (method, sides) in sides {
      for side in sides {
        #expect(ConvolutionMethod.chosen(for: shape(side, 64, 64)) == method, "\(side)")
        var batch = shape(side, 64, 64)
        (batch.batch, batch.method) = (100, .f2)
        #expect(ConvolutionMethod.chosen(for: batch) == method, "\(side)")
      }
    }
    #expect(ConvolutionMethod.chosen(for: shape(3, 16, 16, padding: 0)) == .direct)
    #expect(ConvolutionMethod.chosen(for: shape(6, 16, 16, padding: 0)) == .f4)
  }
}
