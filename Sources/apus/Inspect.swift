// `apus inspect`.

import ArgumentParser
import Basics
import Datasets
import Foundation
import Kernels
import Layers
import Training

/// Shows what a checkpoint holds, or how a model will run.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a checkpoint holds, after checking that it is whole; or a model's plan.",
    discussion: """
      With --plan no training is needed: the plan says for every layer, fused neighbours included, \
      its shapes, the kernel that computes it, operations, bytes, and where its result lies. Of a job \
      its data, batch, settings and convolution count, unless flags say otherwise.
      """)

  @Argument(help: "A checkpoint file, or a run's folder for its newest whole checkpoint.")
  var checkpoint: String?

  @Option(help: "Show the plan of this model: a name that `apus list` shows, or a job's YAML file.")
  var plan: String?

  @OptionGroup var space: SpaceOptions

  @Option(help: "With --plan: samples per call. (default: the job's, else 64)")
  var batch: Int?

  @Option(help: "With --plan: how convolutions are computed: auto, direct, f2, f4. (default: auto)")
  var convolution: ConvolutionChoice?

  @Option(help: "With --plan: a setting of the model, as NAME=VALUE. Repeatable.")
  var set: [String] = []

  func validate() throws {
    if (checkpoint == nil) == (plan == nil) {
      throw ValidationError("either a checkpoint or --plan MODEL is needed")
    }
    guard plan == nil else { return }
    let flags: [(String, Bool)] = [
      ("batch", batch != nil), ("convolution", convolution != nil), ("set", !set.isEmpty),
      ("input", space.input != nil), ("classes", space.classes != nil),
    ]
    for (name, isGiven) in flags where isGiven {
      throw ValidationError("--\(name) is for --plan only: a checkpoint is shown as it is")
    }
  }

  func run() throws {
    if let plan { try show(plan: plan) } else if let checkpoint { try show(checkpoint: checkpoint) }
  }

  private func show(plan: String) throws {
    do {
      var job: Job?
      if plan.hasSuffix(".yaml") || plan.hasSuffix(".yml") {
        let text = String(decoding: try AtomicFile.read(plan), as: UTF8.self)
        job = try Job(yaml: text, path: plan, isPartial: true)
      }
      let recipe =
        try job?.layers.map { try ModelRecipe.described($0) }
        ?? modelCatalog.find(job?.model ?? plan)
      let batch = batch ?? job?.batch ?? 64
      guard (1...1 << 20).contains(batch) else {
        throw UsageError("--batch \(batch): from 1 to \(1 << 20) samples")
      }
      let settings = recipe.settings.selection(from: job?.settings ?? [:])
      let space = try space(of: recipe, for: job)
      let kernels = try KernelSelection.select(environment: ProcessInfo.processInfo.environment)
      let table = try InspectPlan(
        name: plan, recipe: recipe, space: space,
        settings: settings.merging(try Settings.pairs(set)) { $1 }, batch: batch,
        convolution: convolution ?? job?.convolution ?? .automatic
      ).lines(kernels)
      for line in table { print(line) }
    } catch { throw Failure(error) }
  }

  /// What the model is made for: the job's data where they can be opened, changed as the flags say.
  private func space(of recipe: ModelRecipe, for job: Job?) throws -> SampleSpace {
    let asked = try space.space(of: recipe)
    guard let job, space.input == nil || space.classes == nil else { return asked }
    let data = try DatasetSpecification(job.data)
    var found: SampleSpace
    do {
      found = try data.open(data.format.settings.selection(from: job.settings)).training.space
    } catch let error as DataError {
      Failure.say("\(error); the plan is for samples of \(asked.input), see --input and --classes")
      return asked
    }
    if space.classes != nil { found.classes = asked.classes }
    if space.input != nil {
      found.input = Shape(
        asked.input.dimensions, element: found.input.element, indexCounts: found.input.indexCounts)
    }
    return found
  }

  private func show(checkpoint: String) throws {
    let stored: StoredModel
    do { stored = try StoredModel(at: checkpoint) } catch { throw Failure(error) }
    let facts = stored.facts
    let lanes = facts.lanes.map { ", lanes \($0)" } ?? ""
    if let note = stored.note { Failure.say(note) }
    print(
      """
      \(stored.path)
      model      \(facts.model), input \(facts.input.map(String.init).joined(separator: "x")), \
      \(facts.classes) classes
      position   step \(facts.step), \(facts.updates) updates
      job        strategy \(facts.strategy), optimizer \(facts.optimizer), batch \(facts.batch), \
      \(facts.samples) training samples, seed \(facts.seed)\(lanes)
      coding     \(facts.coding?.description ?? "unknown: made by an earlier version")
      checksum   right

      """)
    let rows = stored.tensors.map { tensor in
      [
        tensor.name, tensor.shape.map(String.init).joined(separator: " x "),
        Self.number(Double(tensor.values.lowerBound)),
        Self.number(Double(tensor.values.upperBound)), Self.number(tensor.mean),
      ]
    }
    for line in Self.table(["tensor", "shape", "smallest", "largest", "mean"], rows) { print(line) }
  }

  private static func number(_ value: Double) -> String { String(format: "%.4g", value) }

  /// Columns of equal width; numbers to the right.
  ///
  /// - Parameter left: columns of words, in front.
  static func table(_ head: [String], _ rows: [[String]], left: Int = 2) -> [String] {
    let all = [head] + rows
    let widths = head.indices.map { column in all.map { $0[column].count }.max()! }
    return all.map { row in
      row.enumerated().map { column, text in
        let fill = String(repeating: " ", count: widths[column] - text.count)
        return column < left ? text + fill : fill + text
      }.joined(separator: "  ")
    }
  }
}
