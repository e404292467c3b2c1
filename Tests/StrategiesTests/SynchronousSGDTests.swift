import Basics
import Collectives
import Messaging
import Optimizers
import Strategies
import Testing

@Suite struct SynchronousSGDTests {
  /// Parameters and optimizer state after three steps on shares of a batch of 15 samples.
  private static func train(
    shares: [Int], optimizer: any Optimizer, allReduce: String, wire: WireFormat = .float32,
    clip: GradientClip? = nil
  ) throws -> [[[Float]]] {
    try LocalWorld.run(ranks: shares.count) { communicator in
      let objective = Quadratic(19, tensors: 3)
      let worker = try worker(
        objective, optimizer, on: communicator, allReduce: allReduce, wire: wire, clip: clip)
      let strategy = try SynchronousSGD(worker, Settings(of: "sync", declared: []))
      let first = shares[..<communicator.rank].reduce(0, +)
      for step in 0..<3 {
        let samples = Samples(15, size: 19, seed: UInt64(step))
        let report = try strategy.step(
          samples.batch(first..<first + shares[communicator.rank], of: shares.reduce(0, +)))
        #expect(report.isGlobal && report.samples == 15 && report.correct == 15)
      }
      #expect(worker.replica.updates == 3)
      return [Array(worker.replica.parameters.values)]
        + worker.replica.optimizerState[0].slots.map { Array($0.values) }
    }
  }

  /// METHODS: unequal shares are weighted by their samples; Adam hides a missing 1/N in the
  /// weights, so its moments are compared too.
  @Test(arguments: allReduceCatalog.names)
  func unequalSharesEqualOneRank(_ allReduce: String) throws {
    let optimizers: [any Optimizer] = [SGD(momentum: 0.9), Adam()]
    for optimizer in optimizers {
      let expected = try Self.train(shares: [15], optimizer: optimizer, allReduce: allReduce)[0]
      for shares in [[7, 5, 3], [15, 0], [1, 6, 0, 8], [3, 2, 2, 2, 2, 2, 1, 1]] {
        let ranks = try Self.train(shares: shares, optimizer: optimizer, allReduce: allReduce)
        for replica in ranks {
          #expect(replica == ranks[0], "replicas stay bitwise equal")
          for (found, wanted) in zip(replica.joined(), expected.joined()) {
            #expect(abs(found - wanted) < 1e-5)
          }
        }
      }
    }
  }

  /// Hits and samples are counted exactly (`train` checks them) though gradients are rounded.
  @Test(arguments: allReduceCatalog.names, [WireFormat.bfloat16, .float16])
  func replicasStayEqualInShortFormats(_ allReduce: String, _ wire: WireFormat) throws {
    let expected = try Self.train(shares: [15], optimizer: Adam(), allReduce: allReduce)[0]
    for shares in [[8, 7], [7, 5, 3], [3, 2, 2, 2, 2, 2, 1, 1]] {
      let ranks = try Self.train(
        shares: shares, optimizer: Adam(), allReduce: allReduce, wire: wire)
      for replica in ranks { #expect(replica == ranks[0], "replicas stay bitwise equal") }
      // Adam's moments come straight from the gradients, which are below 8.
      for (found, wanted) in zip(ranks[0][1], expected[1]) {
        #expect(abs(found - wanted) < (wire == .bfloat16 ? 0.1 : 0.0125))
      }
    }
  }

  @Test func overflowsReachEveryRankInTheNextStep() throws {
    let overflows = try LocalWorld.run(ranks: 3) { communicator in
      let worker = try worker(Quadratic(5), SGD(), on: communicator, wire: .float16)
      let strategy = try SynchronousSGD(worker, Settings(of: "sync", declared: []))
      let samples = Samples(3, size: 5, seed: 1)
      let rank = communicator.rank
      if rank == 1 { samples.values[5 + 2] = 3e5 }
      return try (0..<3).map { _ in
        try strategy.step(samples.batch(rank..<rank + 1, of: 3)).overflows
      }
    }
    #expect(overflows[0][0] == 0 && overflows[0][1] > 0)
    #expect(overflows.allSatisfy { $0 == overflows[0] })
  }

  @Test func clippingUsesTheNormOfTheSum() throws {
    let clip = GradientClip(limit: 0.05)
    let expected = try Self.train(shares: [15], optimizer: SGD(), allReduce: "ring", clip: clip)[0]
    let unclipped = try Self.train(shares: [15], optimizer: SGD(), allReduce: "ring")[0]
    #expect(expected != unclipped)
    let ranks = try Self.train(
      shares: [9, 6], optimizer: SGD(), allReduce: "ring", clip: clip)
    for (found, wanted) in zip(ranks[1].joined(), expected.joined()) {
      #expect(abs(found - wanted) < 1e-6)
    }
  }

  /// Networks with rates of their own: buckets that hold parts of both are cut where rates change.
  @Test(arguments: [64, 1 << 20]) func tensorsLearnAtTheirOwnRates(_ bucketBytes: Int) throws {
    func change(_ rates: [Float]) throws -> [Float] {
      try LocalWorld.run(ranks: 2) { communicator in
        let worker = try worker(
          Quadratic(19, tensors: 3, rates: rates), SGD(), on: communicator, bucketBytes: bucketBytes
        )
        let before = Array(worker.replica.parameters.values)
        let strategy = try SynchronousSGD(worker, Settings(of: "sync", declared: []))
        let rank = communicator.rank
        let samples = Samples(2, size: 19, seed: 3)
        _ = try withExtendedLifetime(samples) {
          try strategy.step(samples.batch(rank..<rank + 1, of: 2))
        }
        return zip(worker.replica.parameters.values, before).map { $0 - $1 }
      }[1]
    }
    let alike = try change([])
    let apart = try change([2, 1, 0.25])
    for index in alike.indices {
      let factor: Float = index < 32 ? 2 : index < 64 ? 1 : 0.25
      #expect(abs(apart[index] - factor * alike[index]) < 1e-6)
    }
    #expect(alike.contains { abs($0) > 0.01 })
  }

  @Test func oneVoteReachesEveryRank() throws {
    let votes = try LocalWorld.run(ranks: 3) { communicator in
      let worker = try worker(Quadratic(5), SGD(), on: communicator)
      let strategy = try SynchronousSGD(worker, Settings(of: "sync", declared: []))
      let samples = Samples(3, size: 5, seed: 1)
      var votes: [Int] = []
      for step in 0..<3 {
        worker.wantsToStop = step == 1 && communicator.rank == 2
        let rank = communicator.rank
        votes.append(try strategy.step(samples.batch(rank..<rank + 1, of: 3)).stopVotes)
      }
      return votes
    }
    #expect(votes == [[0, 1, 0], [0, 1, 0], [0, 1, 0]])
  }

  @Test func everyCatalogueEntryHasItsName() {
    for (name, strategy) in strategyCatalog.entries { #expect(strategy.name == name) }
  }
}
