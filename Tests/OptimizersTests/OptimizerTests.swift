import Basics
import Foundation
import Kernels
import Optimizers
import Testing

@Suite struct OptimizerTests {
  private static let variants: [(String, [String: String])] = [
    ("sgd", [:]),
    ("sgd", ["weight_decay": "0.1"]),
    ("sgd", ["momentum": "0.9"]),
    ("sgd", ["momentum": "0.9", "nesterov": "true", "weight_decay": "0.1"]),
    ("adam", [:]),
    ("adam", ["weight_decay": "0.1", "beta1": "0.5"]),
    ("adamw", ["weight_decay": "0.1"]),
  ]

  /// Runs four steps; `ranges` says how each is cut up.
  private func run(
    _ variant: Int, _ kernels: KernelTable, count: Int, ranges: [Range<Int>], scale: Float = 1
  ) throws -> [UInt32] {
    let (name, given) = Self.variants[variant]
    let replica = Replica(
      try optimizerCatalog.make(name, given), layout: Replica.layout(count))
    let random = CounterRandom(seed: 3, stream: .test)
    for place in 0..<count { replica.parameters[place] = random.normal(UInt64(place)) }
    for number in 1...4 {
      for place in 0..<count {
        replica.gradients[place] = random.normal(UInt64(number * count + place))
      }
      replica.update(ranges, number: number, rate: 0.1, scale: scale, kernels: kernels)
    }
    return ([replica.parameters] + replica.state.slots).flatMap { $0[0..<count].map(\.bitPattern) }
  }

  @Test(arguments: variants.indices, instructionSets)
  func anyCutIntoRangesGivesTheSameBits(variant: Int, set: InstructionSet) throws {
    let kernels = try #require(KernelSelection.table(for: set))
    let count = 203
    let whole = try run(variant, kernels, count: count, ranges: [0..<count], scale: 0.7)
    for cuts in [[1], [7], [16, 32], [1, 2, 3, 50, 50, 77, 202], [100, 133]] {
      let bounds = [0] + cuts + [count]
      let ranges = zip(bounds, bounds.dropFirst()).map { $0..<$1 }
      #expect(
        try run(variant, kernels, count: count, ranges: ranges.reversed(), scale: 0.7) == whole,
        "\(Self.variants[variant]) cut at \(cuts) on \(set)")
    }
  }

  @Test(arguments: instructionSets)
  func adamsFirstStepMovesEveryCoordinateAlike(set: InstructionSet) throws {
    let kernels = try #require(KernelSelection.table(for: set))
    let sizes: [Float] = (-6...3).map { Float(pow(10.0, Double($0))) }
    let replica = Replica(Adam(), layout: Replica.layout(2 * sizes.count))
    for (place, size) in sizes.enumerated() {
      replica.gradients[2 * place] = size
      replica.gradients[2 * place + 1] = -size
    }
    replica.update([0..<2 * sizes.count], number: 1, rate: 0.01, kernels: kernels)
    for (place, size) in sizes.enumerated() {
      let expected = 0.01 * Double(size) / (Double(size) + 1e-8)
      #expect(abs(Double(-replica.parameters[2 * place]) / expected - 1) < 2e-6, "\(size)")
      #expect(replica.parameters[2 * place + 1] == -replica.parameters[2 * place])
    }
  }

  @Test func gradientScaleIsAFactorOnTheGradient() throws {
    let kernels = KernelSelection.best
    for scale: Float in [0.5, 0.25] {
      let scaled = Replica(SGD(momentum: 0.9), layout: Replica.layout(5))
      let plain = Replica(SGD(momentum: 0.9), layout: Replica.layout(5))
      for place in 0..<5 {
        scaled.gradients[place] = Float(place + 1)
        plain.gradients[place] = Float(place + 1) * scale
      }
      for number in 1...3 {
        scaled.update([0..<5], number: number, rate: 0.1, scale: scale, kernels: kernels)
        plain.update([0..<5], number: number, rate: 0.1, kernels: kernels)
      }
      #expect(Array(scaled.parameters.values) == Array(plain.parameters.values))
    }
  }

  @Test func velocityIsKeptOnlyWithMomentum() throws {
    #expect(try optimizerCatalog.make("sgd").slots == [])
    #expect(try optimizerCatalog.make("sgd", ["momentum": "0.9"]).slots == ["velocity"])
    #expect(try optimizerCatalog.make("adam").slots == ["first_moment", "second_moment"])
    #expect(try optimizerCatalog.make("adamw").slots == ["first_moment", "second_moment"])
  }

  @Test func catalogueRefusesWhatWillNotDo() {
    func message(_ name: String, _ given: [String: String]) -> String {
      do {
        _ = try optimizerCatalog.make(name, given)
        return "made"
      } catch { return "\(error)" }
    }
    #expect(message("adan", [:]).hasPrefix("unknown optimizer 'adan'; did you mean 'adam'?"))
    #expect(message("adam", ["beta": "1"]).contains("did you mean 'beta1'?"))
    #expect(
      message("adam", ["beta2": "1"]) == "beta2=1: a number from 0 to below 1 is needed")
    #expect(message("adam", ["epsilon": "0"]) == "epsilon=0: a number above 0 is needed")
    #expect(message("sgd", ["nesterov": "true"]) == "nesterov=true: momentum above 0 is needed")
    #expect(
      message("sgd", ["weight_decay": "-1"]) == "weight_decay=-1: a number of at least 0 is needed")
    #expect(message("sgd", ["momentum": "0.9", "nesterov": "true"]) == "made")
  }
}
