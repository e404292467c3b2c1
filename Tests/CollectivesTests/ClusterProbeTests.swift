import Kernels
import Messaging
import Testing

@testable import Collectives

@Suite struct ClusterProbeTests {
  @Test(arguments: [(1, 1), (2, 2), (2, 1), (4, 2)])
  func measuresWhatThereIs(ranks: Int, perNode: Int) throws {
    let models = try LocalWorld.run(ranks: ranks, ranksPerNode: perNode, timeout: .seconds(60)) {
      communicator in
      try ClusterProbe(RankGroup(communicator), kernels: KernelSelection.best)
        .measure(bytes: 1 << 18)
    }
    let (model, usual) = (models[0], ClusterModel())
    #expect(models.allSatisfy { $0 == model }, "all ranks have the same")
    #expect(model.objection == nil)
    #expect(model.reduceCost != usual.reduceCost && model.memoryCost != usual.memoryCost)
    #expect((model.bandwidth != usual.bandwidth) == (ranks > perNode))
    #expect((model.localBandwidth != usual.localBandwidth) == (perNode > 1))
    // What was measured can be used.
    let outcome = try ClusterSimulator(model, topology: topology(16, perNode: perNode))
      .allReduce(allReduceCatalog.find("ring"), count: 10_000)
    #expect(outcome.seconds > 0 && outcome.seconds < 60)
  }
}
