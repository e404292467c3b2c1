import Basics
import Kernels
import Layers
import Testing

@testable import Training

@Suite struct NodeMemoryTests {
  private func model(capacity: Int = 4) throws -> any Model {
    try modelCatalog.find("mlp").make(
      for: SampleSpace(input: Shape([8, 8, 1]), classes: 3), capacity: capacity,
      kernels: KernelSelection.best)
  }

  @Test func aModelThatFitsIsTaken() throws {
    let model = try model()
    let bytes = model.layout.count * 4 * 4 + model.arenaCount * 4
    try NodeMemory.check(model, slots: 2, ranks: 1, bytes: bytes)
    #expect(throws: UsageError.self) {
      try NodeMemory.check(model, slots: 2, ranks: 1, bytes: bytes - 1)
    }
    #expect(throws: UsageError.self) {
      try NodeMemory.check(model, slots: 2, ranks: 2, bytes: 2 * bytes - 1)
    }
    // Half of both slots on each rank.
    try NodeMemory.check(
      model, slots: 2, shards: 2, ranks: 2, bytes: 2 * bytes - model.layout.count * 8)
    #expect(NodeMemory.bytes > bytes)
  }

  /// The plan itself takes no memory for samples, and the advice is about what is large.
  @Test func tooLargeABatchIsNamed() throws {
    let model = try model(capacity: 1 << 24)
    do {
      try NodeMemory.check(model, slots: 2, ranks: 3, bytes: 1 << 30)
      Issue.record("a batch of sixteen million was taken")
    } catch {
      #expect(error.description.contains("--batch") && error.description.contains("3 ranks"))
      #expect(error.description.contains("1.1 GB"))
    }
  }
}
