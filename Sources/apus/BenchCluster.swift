// `apus bench cluster`: the parameters that `apus plan` wants, measured.

import ArgumentParser
import Collectives
import Foundation
import Training

/// Measures links, memory and processors.
struct BenchCluster: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cluster",
    abstract: "Measure latency, bandwidth and memory: a cluster's description for apus plan.",
    discussion: """
      Start it with mpirun or srun on at least two nodes, or with several ranks on one; what a \
      cluster cannot show keeps its default. Prints the description; --write keeps it.
      """)

  @Option(help: "Write the description to this file.")
  var write: String?

  func run() throws {
    try World.run { communicator, kernels in
      let group = try RankGroup(communicator)
      var description = ClusterDescription()
      description.model = try ClusterProbe(group, kernels: kernels).measure()
      description.nodes = group.topology.members.count
      description.ranksPerNode = group.topology.members.map(\.count).max() ?? 1
      try Agreement(over: communicator).agree {
        guard communicator.rank == 0 else { return }
        print(description.yaml, terminator: "")
        if let write { try AtomicFile.write(Data(description.yaml.utf8), to: write) }
      }
      return .done
    }
  }
}
