// `apus inspect`.

import ArgumentParser
import Basics
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
      its shapes, the kernel that computes it, operations, bytes, and where its result lies.
      """)

  @Argument(help: "A checkpoint file, or a run's folder for its newest whole checkpoint.")
  var checkpoint: String?

  @Option(help: "Show the plan of this model: a name that `apus list` shows, or a job's YAML file.")
  var plan: String?

  @OptionGroup var space: SpaceOptions

  @Option(help: "With --plan: samples per call.")
  var batch = 64

  @Option(help: "With --plan: how convolutions are computed: auto, direct, f2, f4.")
  var convolution = ConvolutionChoice.automatic

  @Option(help: "With --plan: a setting of the model, as NAME=VALUE. Repeatable.")
  var set: [String] = []

  func validate() throws {
    if (checkpoint == nil) == (plan == nil) {
      throw ValidationError("either a checkpoint or --plan MODEL is needed")
    }
  }

  func run() throws {
    if let plan { try show(plan: plan) } else if let checkpoint { try show(checkpoint: checkpoint) }
  }

  private func show(plan: String) throws {
    do {
      guard (1...1 << 20).contains(batch) else {
        throw UsageError("--batch \(batch): from 1 to \(1 << 20) samples")
      }
      let recipe: ModelRecipe
      if plan.hasSuffix(".yaml") || plan.hasSuffix(".yml") {
        let text = String(decoding: try AtomicFile.read(plan), as: UTF8.self)
        let job = try Job(yaml: text, path: plan, isPartial: true)
        recipe =
          try job.layers.map { try ModelRecipe.described($0) } ?? modelCatalog.find(job.model)
      } else {
        recipe = try modelCatalog.find(plan)
      }
      let space = try space.space(of: recipe)
      let kernels = try KernelSelection.select(environment: ProcessInfo.processInfo.environment)
      let table = try InspectPlan(
        name: plan, recipe: recipe, space: space, settings: Settings.pairs(set), batch: batch,
        convolution: convolution
      ).lines(kernels)
      for line in table { print(line) }
    } catch { throw Failure(error) }
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
