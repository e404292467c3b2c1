import Basics
import Testing

@testable import Collectives

@Suite struct ScheduleVerifierTests {
  @Test(arguments: allReduceCatalog.names)
  func everyAlgorithmIsRight(name: String) throws {
    let algorithm = try allReduceCatalog.find(name)
    for ranks in 1...64 {
      for count in Set([0, 1, ranks - 1, ranks, ranks + 1, 1000]) {
        try ScheduleVerifier.verify(algorithm, ranks: ranks, count: count)
      }
    }
  }

  @Test(arguments: allReduceCatalog.names)
  func everyAlgorithmIsRightOnNodes(name: String) throws {
    let algorithm = try allReduceCatalog.find(name)
    for ranks in [2, 3, 5, 8, 12, 13] {
      for perNode in 1...ranks {
        let even = topology(ranks, perNode: perNode)
        let scattered = Topology(nodes: (0..<ranks).map { $0 % perNode })
        for topology in [even, scattered] where algorithm.objection(to: topology) == nil {
          for count in [0, 1, ranks - 1, 7 * ranks + 3, 1000] {
            try ScheduleVerifier.verify(algorithm, topology, count: count)
          }
        }
      }
    }
  }

  @Test(arguments: allReduceCatalog.names, [100, 127, 128, 1000, 1024])
  func everyAlgorithmIsRightOnManyRanks(name: String, ranks: Int) throws {
    let algorithm = try allReduceCatalog.find(name)
    try ScheduleVerifier.verify(algorithm, ranks: ranks, count: 20_011)
  }
}
