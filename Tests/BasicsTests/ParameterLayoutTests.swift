import Basics
import Testing

@Suite struct ParameterLayoutTests {
  /// A convolution's weights as they lie in memory and as PyTorch writes them.
  private static let convolution = ParameterRequest(
    "weight", shape: [3, 2, 5, 4], axes: [3, 2, 0, 1], initialisation: .normal(deviation: 1))

  @Test func exportedOrderIsTheNaiveTranspose() {
    var layout = ParameterLayout()
    let bias = ParameterRequest("bias", shape: [3], initialisation: .constant(0))
    _ = layout.append(bias, prefix: "0")
    let range = layout.append(Self.convolution, prefix: "1")
    // Exported (out, in, row, column) from memory (row, column, in, out).
    var expected: [Int] = []
    for out in 0..<4 {
      for input in 0..<5 {
        for row in 0..<3 {
          for column in 0..<2 {
            expected.append(range.lowerBound + ((row * 2 + column) * 5 + input) * 4 + out)
          }
        }
      }
    }
    var exported: [Int] = []
    var flat: [Int] = []
    layout.tensors[1].forEachExported {
      exported.append($0)
      flat.append($1)
    }
    #expect(exported == Array(0..<120))
    #expect(flat == expected)
    #expect(layout.tensors[1].request.exportedShape == [4, 5, 3, 2])
  }

  @Test func tensorsStartOnCacheLinesAndGapsStayZero() {
    var layout = ParameterLayout()
    for (number, length) in [1, 16, 17, 5].enumerated() {
      let request = ParameterRequest("weight", shape: [length], initialisation: .constant(1))
      _ = layout.append(request, prefix: "\(number)")
    }
    #expect(layout.tensors.map(\.range.lowerBound) == [0, 16, 32, 64])
    #expect(layout.tensors.map(\.name) == ["0.weight", "1.weight", "2.weight", "3.weight"])
    #expect(layout.count == 80)
    #expect(layout.parameterCount == 39)

    let buffer = FloatBuffer(count: layout.count)
    layout.initialise(buffer, seed: 1)
    let used = layout.tensors.flatMap { Array($0.range) }
    #expect(used.allSatisfy { buffer[$0] == 1 })
    #expect(Set(0..<layout.count).subtracting(used).allSatisfy { buffer[$0] == 0 })
  }

  @Test func piecesThatLearnAlikeAreOne() {
    var layout = ParameterLayout()
    for (number, rate) in [1, 1, 0.5, 2, 2].enumerated() {
      let request = ParameterRequest("w\(number)", shape: [20], initialisation: .constant(1))
      _ = layout.append(request, prefix: "", rate: Float(rate))
    }
    let statistic = ParameterRequest(
      "s", shape: [3], initialisation: .constant(0), role: .average(rate: 0.1))
    _ = layout.append(statistic, prefix: "")
    #expect(layout.rates.map(\.range) == [0..<64, 64..<96, 96..<160])
    #expect(layout.rates.map(\.factor) == [1, 0.5, 2])
    #expect(layout.trained == 0..<160 && layout.count == 176)
  }

  @Test func initialValuesDependOnSeedAndOrderAlone() {
    func exported(_ request: ParameterRequest, seed: UInt64) -> [Float] {
      var layout = ParameterLayout()
      _ = layout.append(request, prefix: "")
      let buffer = FloatBuffer(count: layout.count)
      layout.initialise(buffer, seed: seed)
      var values: [Float] = []
      layout.tensors[0].forEachExported { values.append(buffer[$1]) }
      return values
    }
    // Channels-last or in the checkpoint's order: the same exported values.
    let plain = ParameterRequest(
      "weight", shape: [4, 5, 3, 2], initialisation: .normal(deviation: 1))
    #expect(exported(Self.convolution, seed: 5) == exported(plain, seed: 5))
    #expect(exported(plain, seed: 5) != exported(plain, seed: 6))
    let bounded = exported(
      ParameterRequest("w", shape: [1000], initialisation: .uniform(bound: 0.5)), seed: 1)
    #expect(bounded.allSatisfy { abs($0) <= 0.5 })
    #expect(bounded.max()! > 0.4 && bounded.min()! < -0.4)
  }
}
