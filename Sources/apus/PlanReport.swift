// The tables of `apus plan`.

import Collectives
import Foundation
import Strategies
import Training

/// Simulates, shows, and keeps the figures.
struct PlanReport {
  private let description: ClusterDescription
  private let batch: Int
  /// Names of the algorithms in question; empty: all that can be simulated.
  private let names: [String]
  /// All-reduce times, for a plot.
  private(set) var figures: [AllReduceFigure] = []
  /// Every figure as comma-separated values.
  private(set) var csv =
    "what,algorithm,bytes,nodes,ranks,microseconds,microseconds_without_overlap,efficiency,"
    + "efficiency_without_overlap\n"

  init(_ description: ClusterDescription, batch: Int, names: [String]) {
    (self.description, self.batch, self.names) = (description, batch, names)
  }

  /// The algorithms in question on a topology.
  func candidates(_ simulator: ClusterSimulator) -> [any AllReduceAlgorithm] {
    simulator.candidates.filter { names.isEmpty || names.contains($0.name) }
  }

  /// Step times over numbers of nodes: powers of two, and the number asked for.
  mutating func scaling(_ timeline: StepTimeline, _ wire: WireFormat, show: (String) -> Void) throws
  {
    show(
      Self.row(["nodes", "ranks", "step ms", "efficiency", "no overlap", "efficiency", "samples/s"])
        + "  all-reduce")
    var nodes = 1
    while true {
      let topology = description.topology(nodes: nodes)
      let simulator = try ClusterSimulator(description.model, topology: topology, wire: wire)
      let counts = timeline.stages.map(\.count).filter { $0 > 0 }
      guard let algorithm = simulator.tuned(counts: counts, from: candidates(simulator)) else {
        throw UsageError("none of these all-reduce algorithms can be foreseen on \(nodes) nodes")
      }
      let with = try simulator.step(algorithm, stages: timeline.stages).seconds + timeline.update
      let without =
        try simulator.step(algorithm, stages: timeline.serial).seconds + timeline.update
      let (best, worse) = (timeline.computing / with, timeline.computing / without)
      let name = counts.map { algorithm.algorithm(for: $0).name }.reduce(into: [String]()) {
        if !$0.contains($1) { $0.append($1) }
      }.joined(separator: ", ")
      show(
        Self.row([
          "\(nodes)", "\(topology.ranks)", String(format: "%.3f", with * 1e3),
          String(format: "%.1f %%", 100 * best), String(format: "%.3f", without * 1e3),
          String(format: "%.1f %%", 100 * worse),
          String(format: "%.0f", Double(batch * topology.ranks) / with),
        ]) + "  " + (topology.ranks == 1 ? "-" : name))
      csv += "step,\(name.replacingOccurrences(of: ", ", with: "+")),\(timeline.count * 4),"
      csv += "\(nodes),\(topology.ranks),"
      csv += String(format: "%.3f,%.3f,%.5f,%.5f\n", with * 1e6, without * 1e6, best, worse)
      if nodes == description.nodes { break }
      nodes = min(2 * nodes, description.nodes)
    }
    show("Weak scaling: the batch per rank stays. Efficiency: computing over step time.\n")
  }

  /// Algorithms by lengths, on all nodes.
  mutating func lengths(_ sizes: [Int], _ simulator: ClusterSimulator, show: (String) -> Void)
    throws
  {
    let topology = simulator.topology
    var columns: [[String: Double]] = []
    for size in sizes {
      let found = simulator.forecasts(count: size / 4, of: candidates(simulator))
      columns.append(
        Dictionary(uniqueKeysWithValues: found.map { ($0.algorithm, $0.outcome.seconds) }))
      let nodes = Double(description.nodes)
      let bound = 2 * (nodes - 1) / nodes * Double(size) / description.model.bandwidth
      for forecast in found {
        let seconds = forecast.outcome.seconds
        figures.append(
          AllReduceFigure(
            algorithm: forecast.algorithm, bytes: size, fastest: seconds, median: seconds,
            bound: bound))
        csv += "all-reduce,\(forecast.algorithm),\(size),\(description.nodes),\(topology.ranks),"
        csv += String(format: "%.3f,,,\n", seconds * 1e6)
      }
    }
    let names = candidates(simulator).map(\.name)
    guard !names.isEmpty, topology.ranks > 1 else {
      show("all-reduce: one rank needs none")
      return
    }
    show("all-reduce over \(topology.ranks) ranks, microseconds (*: the fastest)")
    let best = columns.map { $0.values.min() }
    let rows = names.map { name in
      [name, ""]
        + zip(columns, best).map { column, best in
          guard let seconds = column[name] else { return "-" }
          return String(format: "%.1f%@", seconds * 1e6, seconds == best ? "*" : " ")
        }
    }
    for line in Inspect.table(["algorithm", ""] + sizes.map { ByteCount.text($0) + " " }, rows) {
      show(line)
    }
  }

  private static func row(_ cells: [String]) -> String {
    let widths = [7, 8, 12, 11, 12, 11, 12]
    return zip(cells, widths).map { cell, width in
      String(repeating: " ", count: max(1, width - cell.count)) + cell
    }.joined()
  }
}
