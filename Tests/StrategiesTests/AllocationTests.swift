import AllocationCounter
import Basics
import Kernels
import Layers
import Messaging
import Optimizers
import Strategies
import Testing

/// Memory is planned before step 0: after a step to warm up, steps allocate nothing.
@Suite(.serialized) struct AllocationTests {
  @Test func theCounterCounts() {
    var kept: [UnsafeMutableRawPointer] = []
    kept.reserveCapacity(8)
    let found = allocations {
      for _ in 0..<3 { kept.append(.allocate(byteCount: 100, alignment: 64)) }
    }
    for block in kept { block.deallocate() }
    #expect(found >= 3)
    #expect(allocations {} == 0)
  }

  @Test(arguments: modelCatalog.names) func stepsAllocateNothing(_ name: String) throws {
    let recipe = try modelCatalog.find(name)
    let found = try LocalWorld.run(ranks: 1) { communicator in
      let model = try recipe.make(for: recipe.home, capacity: 4, kernels: kernels)
      let samples = RandomSamples(
        4, of: recipe.home, targetsPerSample: model.targetsPerSample)
      let worker = try worker(model, Adam(), on: communicator, bucketBytes: 1 << 18)
      let strategy = try SynchronousSGD(worker, Settings(of: "sync", declared: []))
      for _ in 0..<2 { _ = try strategy.step(samples.batch) }
      return try allocations {
        for _ in 0..<3 { _ = try strategy.step(samples.batch) }
      }
    }
    #expect(found == [0])
  }
}
