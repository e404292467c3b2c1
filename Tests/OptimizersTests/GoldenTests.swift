import Basics
import Kernels
import Optimizers
import Testing

/// Every optimizer against PyTorch's own figures.
@Suite struct GoldenTests {
  /// Name in the fixture, in the catalogue, learning rate, settings.
  static let cases: [(name: String, optimizer: String, rate: Float, given: [String: String])] = [
    ("sgd", "sgd", 0.05, [:]),
    ("sgd-momentum-decay", "sgd", 0.05, ["momentum": "0.9", "weight_decay": "0.01"]),
    ("sgd-nesterov", "sgd", 0.05, ["momentum": "0.9", "nesterov": "true"]),
    ("adam", "adam", 0.01, [:]),
    ("adamw", "adamw", 0.01, ["weight_decay": "0.1"]),
  ]

  @Test(arguments: cases.indices, instructionSets)
  func matchesPyTorch(index: Int, set: InstructionSet) throws {
    let (name, optimizer, rate, given) = Self.cases[index]
    let fixture = try Fixture.load()
    let run = try #require(fixture.optimizers[name])
    let replica = Replica(try optimizerCatalog.make(optimizer, given), layout: fixture.layout)
    let kernels = try #require(KernelSelection.table(for: set))
    func fill(_ buffer: FloatBuffer, _ tensors: [[Float]]) {
      for (tensor, values) in zip(fixture.layout.tensors, tensors) {
        for (place, value) in zip(tensor.range, values) { buffer[place] = value }
      }
    }

    fill(replica.parameters, fixture.initial)
    var worst = 0.0
    for (number, gradients) in fixture.gradients.enumerated() {
      fill(replica.gradients, gradients)
      replica.update([0..<fixture.layout.count], number: number + 1, rate: rate, kernels: kernels)
      guard let place = run.steps.firstIndex(of: number + 1) else { continue }
      for (tensor, expected) in zip(fixture.layout.tensors, run.afterStep[place]) {
        #expect(tensor.range.count == expected.count)
        for (place, value) in zip(tensor.range, expected) {
          worst = max(worst, abs(Double(replica.parameters[place]) - value))
        }
      }
    }
    #expect(worst <= 1e-6, "\(name) on \(set): largest difference \(worst)")
    // Alignment gaps hold zeros for ever.
    let used = Set(fixture.layout.tensors.flatMap { Array($0.range) })
    for buffer in [replica.parameters] + replica.state.slots {
      #expect((0..<buffer.count).allSatisfy { used.contains($0) || buffer[$0] == 0 })
    }
  }
}
