// Schedules as files, one per rank, so that other simulators can run them: see `script`.

import Collectives
import Foundation
import Training

/// Writes FOLDER/ALGORITHM-BYTES/RANK.
struct PlanExport {
  private let folder: String
  private let simulator: ClusterSimulator

  init(folder: String, _ simulator: ClusterSimulator) {
    (self.folder, self.simulator) = (folder, simulator)
  }

  /// Every algorithm, every length, every rank.
  func write(_ algorithms: [any AllReduceAlgorithm], _ sizes: [Int]) throws {
    for algorithm in algorithms {
      for size in sizes {
        let place = "\(folder)/\(algorithm.name)-\(size)"
        try AtomicFile.makeFolder(place)
        for rank in 0..<simulator.topology.ranks {
          let script = try simulator.script(of: algorithm, count: size / 4, rank: rank)
          try AtomicFile.write(Data(script.utf8), to: "\(place)/\(rank)")
        }
      }
    }
  }
}
