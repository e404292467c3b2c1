// A few ranks stand for all, and nobody can tell from the times.

import Testing

@testable import Collectives

/// Catalogue entries that can be simulated.
let simulatedNames = allReduceCatalog.entries.filter { $0.entry.isForeseeable }.map(\.name)

@Suite struct SymmetryTests {
  private func schedules(_ name: String, _ topology: Topology, _ count: Int) throws -> [Schedule] {
    let algorithm = try allReduceCatalog.find(name)
    return (0..<topology.ranks).map {
      algorithm.schedule(rank: $0, topology: topology, count: count)
    }
  }

  @Test(arguments: simulatedNames, [8, 16, 64])
  func equalsTheWhole(name: String, ranks: Int) throws {
    for perNode in [1, 2, 4, ranks] {
      let topology = topology(ranks, perNode: perNode)
      guard try allReduceCatalog.find(name).objection(to: topology) == nil else { continue }
      for count in [16 * ranks * 40, 16 * ranks * 40 + 5 * 16, 10] {
        let all = try schedules(name, topology, count)
        var model = ClusterModel()
        model.cores = 1
        for (cores, fabric) in [(nil, nil), (1, 2e9)] as [(Int?, Double?)] {
          (model.cores, model.fabric) = (cores, fabric)
          let simulator = try ClusterSimulator(model, topology: topology)
          let short = try simulator.run(all)
          let whole = try simulator.run(all, useSymmetry: false)
          #expect(
            isClose(short.seconds, whole.seconds),
            "\(short.representatives) of \(ranks) ranks, \(perNode) per node, \(count) elements")
          #expect(isClose(short.bytesPerRank, whole.bytesPerRank))
        }
      }
    }
  }

  @Test func isFoundWhereItIs() throws {
    func representatives(_ name: String, _ ranks: Int, _ perNode: Int, _ count: Int) throws -> Int {
      try ClusterSimulator(ClusterModel(), topology: topology(ranks, perNode: perNode))
        .allReduce(allReduceCatalog.find(name), count: count).representatives
    }
    #expect(try representatives("ring", 12, 1, 12 * 16) == 1)
    #expect(try representatives("ring", 12, 3, 12 * 16) == 3)
    #expect(try representatives("ring", 12, 1, 12 * 16 + 16) == 12)
    #expect(try representatives("tree", 16, 1, 1600) == 16)
    #expect(try representatives("shared", 12, 12, 12 * 16) == 1)
    #expect(try representatives("halving-doubling", 16, 1, 16 * 16) == 1)
    #expect(try representatives("hierarchical-double-tree", 24, 4, 4 * 16 * 10) == 6)
  }

  @Test func oneRankThatDiffersIsSeen() throws {
    var all = try schedules("ring", .scattered(16), 16 * 16)
    all[9].rounds.append([.add(0..<100, to: 128)])
    let outcome = try ClusterSimulator(ClusterModel(), topology: .scattered(16)).run(all)
    #expect(outcome.representatives == 16)
  }

  /// Rounded elements, fewer nodes: near the truth.
  @Test func longestSimulations() throws {
    func outcome(_ name: String, _ ranks: Int, _ count: Int, limit: Int) throws
      -> ClusterSimulator.Outcome
    {
      var simulator = try ClusterSimulator(ClusterModel(), topology: .scattered(ranks))
      simulator.messageLimit = limit
      return try simulator.allReduce(allReduceCatalog.find(name), count: count)
    }
    let ring = try outcome("ring", 48, 100_000, limit: 1 << 30)
    let evened = try outcome("ring", 48, 100_000, limit: 100)
    #expect(ring.representatives == 48 && ring.elements == 100_000)
    #expect(evened.representatives == 1 && evened.elements == 100_000)
    #expect(abs(evened.seconds / ring.seconds - 1) < 0.02)
    let tree = try outcome("double-tree", 1024, 400_000, limit: 1 << 30)
    let fewer = try outcome("double-tree", 1024, 400_000, limit: 13_000)
    #expect(tree.nodes == 1024 && fewer.nodes == 256)
    #expect(abs(fewer.seconds / tree.seconds - 1) < 0.05)
    // Nothing to go by: the time on a ring grows with the number of ranks, not with its logarithm.
    #expect(throws: SimulationError.self) {
      var simulator = try ClusterSimulator(uneven(), topology: .scattered(64))
      simulator.messageLimit = 500
      _ = try simulator.allReduce(allReduceCatalog.find("ring"), count: 6400)
    }
  }

  /// One slow node leaves no symmetry.
  private func uneven() -> ClusterModel {
    var model = ClusterModel()
    model.nodeSpeed = [1: 0.5]
    return model
  }

  @Test(arguments: [1024, 16_384])
  func manyRanks(ranks: Int) throws {
    let simulator = try ClusterSimulator(ClusterModel(), topology: .scattered(ranks))
    let outcome = try simulator.allReduce(allReduceCatalog.find("tree"), count: 1000)
    #expect(outcome.seconds > 0 && outcome.nodes == ranks && outcome.representatives == ranks)
    let other = try simulator.allReduce(allReduceCatalog.find("halving-doubling"), count: 1 << 22)
    #expect(other.seconds > 0 && other.nodes == ranks && other.representatives == 1)
  }
}
