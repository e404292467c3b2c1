import Basics
import Collectives
import Foundation
import Kernels
import Layers
import Messaging
import Optimizers
import Strategies
import Testing

@testable import Training

@Suite struct MeterTests {
  /// A pause (for a checkpoint, say) takes away the pause's time and nothing else.
  @Test func timeBeforeAPauseCounts() throws {
    let rate = try LocalWorld.run(ranks: 1) { communicator -> Double in
      let input = Shape([2])
      let network = try Network(
        Dense(2), input: input, capacity: 1, kernels: KernelSelection.best)
      let group = try RankGroup(communicator)
      let worker = Worker(
        group: group, objective: network,
        replica: try Replica(layout: network.layout, slots: 0, seed: 1, in: group),
        optimizer: SGD(), allReduce: RingAllReduce(), learningRate: { _ in 0 },
        kernels: KernelSelection.best)
      var meter = Meter(worker)
      for _ in 0..<2 {
        meter.add(StepReport(loss: 1, correct: 1, samples: 5, isGlobal: true))
        Thread.sleep(forTimeInterval: 0.03)
        meter.pause(worker)
        Thread.sleep(forTimeInterval: 0.5)
        meter.resume(worker)
      }
      let line = meter.line(worker)
      #expect(line.loss == 0.2 && line.accuracy == 0.2)
      return line.samplesPerSecond!
    }[0]
    #expect(rate <= 10 / 0.06, "both working times count")
    #expect(rate > 10 / 0.9, "the pauses do not")
  }
}
