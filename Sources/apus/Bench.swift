// `apus bench`: what this machine's communication can do.

import ArgumentParser
import Basics
import Collectives
import Foundation
import Messaging
import Training

/// Measures.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure communication on this machine or cluster.",
    subcommands: [BenchAllReduce.self, BenchCluster.self])
}

/// Times every all-reduce.
struct BenchAllReduce: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "all-reduce",
    abstract: "Time all-reduce algorithms on vectors of several lengths, checked before timed.",
    discussion: """
      Start it with mpirun or srun on the ranks in question. Algorithms take turns; times are those \
      of the slowest rank. The bound is, on one node, one pass over the vectors in memory without \
      any meeting; on m nodes 2 (m - 1) / m vectors over the bandwidth of a ping-pong in this run.
      """)

  @Option(help: "Lengths in bytes, with K, M, G for 1024s or KB, MB for 1000s, comma-separated.")
  var sizes = "4,1K,16K,256K,1M,4M,25MB,100MB"

  @Option(help: "Names as in `apus list`, comma-separated, and `auto`. (default: all that differ)")
  var algorithms: String?

  @Option(help: "The form in which messages travel: float32, bfloat16, float16.")
  var wire = "float32"

  @Option(help: "How often the algorithms take turns.")
  var rounds = 7

  @Option(help: "Write every figure to this file as comma-separated values.")
  var csv: String?

  @Option(help: "Draw time over length into this SVG file.")
  var svg: String?

  func run() throws {
    try World.run { communicator, kernels in
      let agreement = Agreement(over: communicator)
      let (sizes, names) = try agreement.agree {
        guard communicator.size > 1 else {
          throw UsageError(
            "one rank has nothing to reduce: start it as in `mpirun -np 2 apus bench all-reduce`")
        }
        return try parsed()
      }
      let bench = try AllReduceBench(
        longest: sizes.max() ?? 0, over: communicator, kernels: kernels,
        wire: try agreement.agree { try wireFormatCatalog.find(wire) })
      let isFirst = communicator.rank == 0
      if isFirst { print(introduction(bench, communicator)) }
      var chosen: [any AllReduceAlgorithm] = []
      for name in names ?? bench.distinctNames + [TunedAllReduce.autoName] {
        let algorithm: any AllReduceAlgorithm =
          name == TunedAllReduce.autoName
          ? try bench.tune(bytes: sizes) : try allReduceCatalog.find(name)
        try agreement.agree {
          if let objection = algorithm.objection(to: bench.topology) {
            throw UsageError("--algorithms \(name): \(objection)")
          }
        }
        chosen.append(algorithm)
      }
      var all: [AllReduceFigure] = []
      for size in sizes {
        let figures = try bench.run(chosen, bytes: size, rounds: rounds)
        all += figures
        if isFirst { Self.table(figures).forEach { print($0) } }
      }
      try agreement.agree {
        guard isFirst else { return }
        if let csv {
          try AtomicFile.write(
            Data(Self.csv(all, bench.topology, wire: wire).utf8), to: csv)
        }
        if let svg {
          let title = "all-reduce over \(communicator.size) ranks on \(Self.nodes(bench.topology))"
          try AtomicFile.write(Data(AllReducePlot(all).svg(title: title).utf8), to: svg)
        }
      }
      return .done
    }
  }

  private func parsed() throws -> (sizes: [Int], names: [String]?) {
    guard rounds > 0 else { throw UsageError("--rounds \(rounds): at least one is needed") }
    let sizes = try self.sizes.split(separator: ",").map { try ByteCount.parse(String($0)) }
    guard !sizes.isEmpty, sizes.allSatisfy({ $0 >= 4 && $0 % 4 == 0 }) else {
      throw UsageError("--sizes \(self.sizes): whole floats are summed, so multiples of 4 bytes")
    }
    let known = allReduceCatalog.names + [TunedAllReduce.autoName]
    let names = algorithms.map { $0.split(separator: ",").map(String.init) }
    for name in names ?? [] where !known.contains(name) {
      throw UnknownName(kind: allReduceCatalog.kind, name: name, known: known)
    }
    return (sizes.sorted(), names)
  }

  private func introduction(_ bench: AllReduceBench, _ communicator: any Communicator) -> String {
    var text = "\(communicator.size) ranks on \(Self.nodes(bench.topology))"
    if let bandwidth = bench.bandwidth {
      text += String(
        format: ", ping-pong %.1f MB/s (%.0f Mbit/s)", bandwidth / 1e6, bandwidth / 1.25e5)
    }
    return text
  }

  private static func nodes(_ topology: Topology) -> String {
    topology.isOneNode ? "1 node" : "\(topology.members.count) nodes"
  }

  private static func table(_ figures: [AllReduceFigure]) -> [String] {
    guard let first = figures.first else { return [] }
    let native = figures.first { $0.algorithm == NativeAllReduce().name }
    let rows = figures.map { figure in
      [
        figure.algorithm, ByteCount.text(figure.bytes),
        String(format: "%.1f", figure.fastest * 1e6), String(format: "%.1f", figure.median * 1e6),
        String(format: "%.2f", figure.gigabytesPerSecond),
        native.map { String(format: "%.2f", $0.median / figure.median) } ?? "-",
        String(format: "%.0f %%", 100 * first.bound / figure.fastest),
      ]
    }
    return Inspect.table(
      ["algorithm", "bytes", "us min", "median", "GB/s", "x native", "of bound"], rows) + [""]
  }

  private static func csv(_ figures: [AllReduceFigure], _ topology: Topology, wire: String)
    -> String
  {
    let head =
      "algorithm,bytes,ranks,nodes,wire,microseconds_min,microseconds_median,gigabytes_per_second,"
      + "bound_microseconds\n"
    return figures.reduce(into: head) { text, figure in
      let name = figure.algorithm.split(separator: " ")[0]
      text += "\(name),\(figure.bytes),\(topology.ranks),\(topology.members.count),\(wire),"
      text += String(
        format: "%.3f,%.3f,%.4f,%.3f\n", figure.fastest * 1e6, figure.median * 1e6,
        figure.gigabytesPerSecond, figure.bound * 1e6)
    }
  }
}
