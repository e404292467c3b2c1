import Basics
import Kernels
import Layers
import Optimizers
import Testing

@testable import Strategies

@Suite struct StepTimelineTests {
  @Test func measuresBucketsInTheirOrder() throws {
    let shape = Shape([8, 8, 1])
    let network = try modelCatalog.find("mlp").make(
      for: SampleSpace(input: shape, classes: 10), capacity: 4, kernels: KernelSelection.best)
    let timeline = StepTimeline(
      measuring: network,
      on: RandomSamples(
        4, of: SampleSpace(input: shape, classes: 10), targetsPerSample: 1),
      optimizer: SGD(), bucketBytes: 100_000,
      kernels: KernelSelection.best, seconds: 0.02)
    let buckets = BucketPlan(
      layout: network.layout, count: network.layout.count + Tally.length, bytes: 100_000)
    #expect(buckets.ranges.count > 1)
    #expect(timeline.stages.map(\.count) == buckets.ranges.map(\.count) + [0])
    #expect(timeline.stages[0].seconds > 0 && timeline.update > 0)
    #expect(timeline.stages.allSatisfy { $0.seconds >= 0 })
    let counted = StepTimeline(counting: network, batch: 4, bucketBytes: 100_000)
    #expect(counted.stages.map(\.count) == timeline.stages.map(\.count))
    #expect(counted.stages[0].seconds > 0 && counted.stages.allSatisfy { $0.seconds >= 0 })
    let twice = StepTimeline(counting: network, batch: 8, bucketBytes: 100_000)
    #expect(abs(twice.computing - counted.stretched(by: 2).computing) < 1e-12)
    let scaled = timeline.scaled(to: 2)
    #expect(abs(scaled.computing - 2) < 1e-9)
    #expect(scaled.stages.map(\.count) == timeline.stages.map(\.count))
    #expect(scaled.serial.map(\.count) == scaled.stages.map(\.count))
    #expect(abs(scaled.serial[0].seconds + scaled.update - 2) < 1e-9)
    #expect(scaled.serial.dropFirst().allSatisfy { $0.seconds == 0 })
  }
}
