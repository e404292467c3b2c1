import Basics
import Testing

@testable import Collectives

@Suite struct ScheduleVerifierTests {
  /// Each rank on a node of its own; where memory is shared, as few nodes as make a difference.
  private func topology(_ algorithm: any AllReduceAlgorithm, _ ranks: Int, perNode: Int) -> Topology
  {
    if algorithm.objection(to: .scattered(ranks)) != nil { return .oneNode(ranks) }
    return algorithm is HierarchicalAllReduce
      ? Topology(nodes: (0..<ranks).map { $0 / perNode }) : .scattered(ranks)
  }

  @Test(arguments: Subject.all)
  func everyAlgorithmIsRight(subject: Subject) throws {
    for ranks in 1...64 {
      let topology = topology(subject.algorithm, ranks, perNode: 1 + ranks / 7)
      for count in Set([0, 1, ranks - 1, ranks, ranks + 1, 1000]) {
        try ScheduleVerifier.verify(subject.algorithm, topology, count: count)
      }
    }
  }

  @Test(arguments: Subject.all)
  func everyAlgorithmIsRightOnNodes(subject: Subject) throws {
    let algorithm = subject.algorithm
    for ranks in [2, 3, 5, 8, 12, 13] {
      for perNode in 1...ranks {
        let even = Topology(nodes: (0..<ranks).map { $0 / perNode })
        let scattered = Topology(nodes: (0..<ranks).map { $0 % perNode })
        let uneven = Topology(nodes: (0..<ranks).map { $0 * $0 % 11 / perNode })
        for topology in [even, scattered, uneven] where algorithm.objection(to: topology) == nil {
          for count in [1, ranks - 1, 7 * ranks + 3] {
            try ScheduleVerifier.verify(algorithm, topology, count: count)
          }
        }
      }
    }
  }

  /// Nodes of eight; of 127 ranks the last node has seven.
  @Test(arguments: Subject.all, [100, 127, 128])
  func everyAlgorithmIsRightOnManyRanks(subject: Subject, ranks: Int) throws {
    let topology = topology(subject.algorithm, ranks, perNode: 8)
    for count in [0, 1, ranks - 1, ranks + 1, 20_011] {
      try ScheduleVerifier.verify(subject.algorithm, topology, count: count)
    }
  }

  /// The whole all-reduce; of 20,011 elements, two million messages around a ring.
  @Test(
    arguments: allReduceCatalog.names, [(1000, 1), (1000, 101), (1024, 0), (1024, 20_011)])
  func everyAlgorithmIsRightOnAThousandRanks(name: String, size: (ranks: Int, count: Int)) throws {
    let algorithm = try allReduceCatalog.find(name)
    let (ranks, count) = size
    let topology = topology(algorithm, ranks, perNode: 8)
    try ScheduleVerifier.verify(
      (0..<ranks).map { algorithm.schedule(rank: $0, topology: topology, count: count) },
      count: count, nodes: topology.nodes)
  }

  @Test func nodesOfManySizes() throws {
    // Nodes of 1, 2, ... 15 ranks and one of 7; of 3 ... 9 ranks, their numbers mixed up.
    let growing = Topology(nodes: (0..<127).map { Int((Double(8 * $0 + 1).squareRoot() - 1) / 2) })
    let mixed = Topology(nodes: (0..<127).map { $0 * $0 % 127 % 19 })
    for topology in [growing, mixed] {
      for subject in Subject.all where subject.algorithm is HierarchicalAllReduce {
        for count in [1, 20_011] {
          try ScheduleVerifier.verify(subject.algorithm, topology, count: count)
        }
      }
    }
  }
}
