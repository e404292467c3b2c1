// `apus plan`: what a job would do on a cluster that one does not have (yet).

import ArgumentParser
import Basics
import Collectives
import Foundation
import Kernels
import Layers
import Optimizers
import Strategies
import Training

/// Foresees step times and the best all-reduce.
struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Foresee step time and scaling on a cluster, and its best all-reduce by length.",
    discussion: """
      A simulation of the schedules that would run there. The cluster is described by flags, or in a \
      file (--cluster; apus bench cluster measures one), or both; flags win. Keys of the file, and \
      of --set KEY=VALUE:

      """
        + ClusterDescription.keys.map {
          "  " + $0.name.padding(toLength: 18, withPad: " ", startingAt: 0) + $0.help
        }.joined(separator: "\n"))

  @Option(help: "The model.")
  var model = "mlp"

  @OptionGroup var space: SpaceOptions

  @Option(parsing: .unconditional, help: "Samples per rank and step.")
  var batch = 64

  @Option(help: "The optimizer.")
  var optimizer = "adam"

  @Option(
    parsing: .unconditional,
    help: "Milliseconds that a rank computes per step. (default: measured here, for seconds)")
  var computeMs: Double?

  @Option(parsing: .unconditional, help: "Bytes of gradients that travel at once, as in 1M.")
  var bucket = "1M"

  @Option(help: "All-reduce algorithms to choose among, comma-separated. (default: all)")
  var algorithms: String?

  @Option(help: "The form in which messages travel: float32, bfloat16, float16.")
  var wire = "float32"

  @Option(help: "A file that describes the cluster.")
  var cluster: String?

  @Option(parsing: .unconditional, help: "Nodes; fewer ones are shown too. (default: 16)")
  var nodes: String?

  @Option(parsing: .unconditional, help: "Ranks on each node. (default: 1)")
  var ranksPerNode: String?

  @Option(parsing: .unconditional, help: "Of a link, as in 25Gbit/s. (default: 10Gbit/s)")
  var bandwidth: String?

  @Option(parsing: .unconditional, help: "Of a message, as in 2us. (default: 10us)")
  var latency: String?

  @Option(parsing: .unconditional, help: "Processors of a node. (default: one per rank)")
  var cores: String?

  @Option(help: "Another key of the description, as KEY=VALUE. Repeatable.")
  var set: [String] = []

  @Option(help: "Lengths for the table of algorithms, comma-separated; none: no table.")
  var sizes = "4K,64K,1M,25MB"

  @Option(help: "Write every figure to this file as comma-separated values.")
  var csv: String?

  @Option(help: "Draw the all-reduce's time over length into this SVG file.")
  var svg: String?

  @Option(
    help:
      "Write what every rank does in each all-reduce of the table below this folder, for replay.")
  var export: String?

  func run() throws {
    do { try plan() } catch let error as SimulationError {
      throw Failure(UsageError("\(error)"))
    } catch { throw Failure(error) }
  }

  private func plan() throws {
    let description = try described()
    let sizes = try lengths()
    let format = try wireFormatCatalog.find(wire)
    let names = try chosen()
    let timeline = try foreseen()
    var report = PlanReport(description, batch: batch, names: names)
    print(introduction(description, timeline))
    fflush(nil)
    try report.scaling(timeline, format) {
      print($0); fflush(nil)
    }
    if !sizes.isEmpty {
      let simulator = try ClusterSimulator(
        description.model, topology: description.topology(nodes: description.nodes), wire: format)
      try report.lengths(sizes, simulator) {
        print($0); fflush(nil)
      }
      if let export {
        try PlanExport(folder: export, simulator).write(report.candidates(simulator), sizes)
      }
    }
    if let csv { try AtomicFile.write(Data(report.csv.utf8), to: csv) }
    if let svg {
      let title = "all-reduce foreseen on \(description.nodes) nodes x \(description.ranksPerNode)"
      try AtomicFile.write(Data(AllReducePlot(report.figures).svg(title: title).utf8), to: svg)
    }
  }

  private func described() throws -> ClusterDescription {
    var description = ClusterDescription()
    if let cluster { try description.read(cluster) }
    let flags = [
      ("nodes", nodes), ("ranks-per-node", ranksPerNode), ("bandwidth", bandwidth),
      ("latency", latency), ("cores", cores),
    ]
    for (name, text) in flags {
      if let text { try description.set(name, text, from: "--\(name)") }
    }
    for pair in set {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { throw UsageError("--set \(pair): KEY=VALUE is needed") }
      try description.set(parts[0], parts[1], from: "--set")
    }
    let ranks = description.nodes * description.ranksPerNode
    guard ranks <= 1 << 16 else {
      throw UsageError("\(ranks) ranks: at most \(1 << 16) can be foreseen")
    }
    if let objection = description.model.objection { throw UsageError(objection) }
    return description
  }

  private func chosen() throws -> [String] {
    let names = algorithms?.split(separator: ",").map(String.init) ?? []
    for name in names where try !allReduceCatalog.find(name).isForeseeable {
      throw UsageError("\(name) cannot be foreseen: the MPI library keeps what it does to itself")
    }
    return names
  }

  private func lengths() throws -> [Int] {
    guard sizes != "none" else { return [] }
    let lengths = try sizes.split(separator: ",").map { try ByteCount.parse(String($0)) }
    guard !lengths.isEmpty, lengths.allSatisfy({ $0 >= 4 && $0 % 4 == 0 && $0 <= 1 << 34 }) else {
      throw UsageError("--sizes \(sizes): multiples of 4 bytes up to 16G, or none")
    }
    return lengths.sorted()
  }

  /// Most operations of a step that is measured: about a second on one core.
  private static let mostOperations = 100_000_000_000

  /// One rank's step: as operations tell where its length is given, else measured here, on fewer
  /// samples where it would take long.
  private func foreseen() throws -> StepTimeline {
    guard (1...1 << 20).contains(batch) else {
      throw UsageError("--batch \(batch): from 1 to \(1 << 20) samples")
    }
    if let computeMs, !(computeMs > 0 && computeMs.isFinite) {
      throw UsageError("--compute-ms \(computeMs): a number above 0 is needed")
    }
    let bucketBytes = try ByteCount.parse(bucket)
    guard bucketBytes > 0 else { throw UsageError("--bucket \(bucket): at least one byte") }
    let entry = try optimizerCatalog.find(optimizer)
    let kernels = try KernelSelection.select(environment: ProcessInfo.processInfo.environment)
    let recipe = try modelCatalog.find(model)
    let space = try space.space(of: recipe)
    let rule = try entry.make(Settings(of: optimizer, declared: entry.settings))
    let one = try recipe.make(for: space, capacity: 1, kernels: kernels)
    if let computeMs {
      return StepTimeline(counting: one, batch: batch, bucketBytes: bucketBytes)
        .scaled(to: computeMs / 1e3)
    }
    let operations = one.layers.reduce(1) { $0 + $1.forwardOperations + $1.backwardOperations }
    let samples = max(1, min(batch, Self.mostOperations / operations))
    print(
      "measuring steps of \(model) on \(grouped(samples)) samples"
        + (samples < batch ? ", taken for \(grouped(batch))" : ""))
    fflush(nil)
    let network = try recipe.make(for: space, capacity: samples, kernels: kernels)
    return StepTimeline(
      measuring: network,
      on: RandomSamples(samples, of: space, targetsPerSample: network.targetsPerSample),
      optimizer: rule, bucketBytes: bucketBytes, kernels: kernels
    ).stretched(by: Double(batch) / Double(samples))
  }

  private func introduction(_ description: ClusterDescription, _ timeline: StepTimeline) -> String {
    let buckets = timeline.stages.count { $0.count > 0 }
    let model = description.model
    let source = computeMs == nil ? "measured here" : "given; its course by operations"
    return String(
      format: "%@, batch %d per rank: %.3f ms of computing a step (%@),\n", self.model, batch,
      timeline.computing * 1e3, source)
      + String(
        format: "%.2f MB of gradients in %d bucket%@\n", Double(timeline.count * 4) / 1e6, buckets,
        buckets == 1 ? "" : "s")
      + "cluster: \(description.nodes) nodes x \(description.ranksPerNode) ranks, links of "
      + "\(Quantity.text(bytesPerSecond: model.bandwidth)), latency "
      + "\(Quantity.text(seconds: model.latency))\n"
  }
}
