// `apus draw`.

import ArgumentParser
import Basics
import Collectives
import Foundation
import Training

/// Draws an all-reduce algorithm.
struct Draw: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw what an all-reduce algorithm does, as a space-time diagram in SVG.",
    discussion: """
      A line per rank, time from left to right, an arrow per message. Needs no MPI: it draws any \
      algorithm of `apus list` on any number of ranks up to \(Self.mostRanks).
      """)

  @Argument(help: "A name as in `apus list`.")
  var algorithm: String

  @Option(help: "Number of ranks.")
  var ranks = 8

  @Option(
    help: "Ranks that share a node. (default: 1; half the ranks, or all, where memory is shared)")
  var ranksPerNode: Int?

  @Option(
    help: "Elements of the vector; algorithms cut long ones into segments. (default: 16 a rank)")
  var count: Int?

  @Option(help: "File to write; standard output if none is given.")
  var output: String?

  static let mostRanks = 64
  /// A drawing of more would be no picture any more, and of gigabytes.
  private static let mostTransfers = 200_000

  func run() throws {
    do { try draw() } catch { throw Failure(error) }
  }

  private func draw() throws {
    let algorithm = try allReduceCatalog.find(algorithm)
    guard 1...Self.mostRanks ~= ranks else {
      throw UsageError("--ranks \(ranks): 1 to \(Self.mostRanks) can be drawn")
    }
    let count = count ?? 16 * ranks
    guard 0...100_000_000 ~= count else {
      throw UsageError("--count \(count): 0 to 100000000 elements can be drawn")
    }
    let perNode = ranksPerNode ?? usual(algorithm)
    guard 1...ranks ~= perNode else {
      throw UsageError("--ranks-per-node \(perNode): 1 to \(ranks) of \(ranks) ranks share a node")
    }
    let topology = Topology(nodes: (0..<ranks).map { $0 / perNode })
    if let objection = algorithm.objection(to: topology) {
      throw UsageError("\(algorithm.name) does not work here: \(objection)")
    }
    var transfers = 0
    for rank in 0..<ranks {
      let schedule = algorithm.schedule(rank: rank, topology: topology, count: count)
      transfers += schedule.rounds.reduce(0) { $0 + $1.count }
      guard transfers <= Self.mostTransfers else {
        throw UsageError(
          "--count \(count) on \(ranks) ranks: more than \(grouped(Self.mostTransfers)) transfers;"
            + " a smaller --count or fewer --ranks can be drawn")
      }
    }
    let svg = try ScheduleDrawing.svg(algorithm, topology: topology, count: count)
    if let output {
      try AtomicFile.write(Data(svg.utf8), to: output)
    } else {
      print(svg, terminator: "")
    }
  }

  /// Ranks per node that show the algorithm.
  private func usual(_ algorithm: any AllReduceAlgorithm) -> Int {
    if algorithm.objection(to: .scattered(ranks)) != nil { return ranks }
    return algorithm is HierarchicalAllReduce ? max(1, (ranks + 1) / 2) : 1
  }
}
