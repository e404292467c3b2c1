// What `apus inspect --plan` prints: a model's layers as they will run.

import Basics
import Foundation
import Kernels
import Layers
import Training

/// The plan of a model, as a table.
struct InspectPlan {
  let name: String
  let recipe: ModelRecipe
  let space: SampleSpace
  let settings: [String: String]
  let batch: Int
  let convolution: ConvolutionChoice

  /// Lines to print.
  func lines(_ kernels: KernelTable) throws -> [String] {
    let model = try recipe.make(
      for: space, settings: settings, capacity: batch, convolution: convolution, kernels: kernels)
    let layers = model.layers
    let rows = layers.map { layer in
      [
        layer.name, layer.layer, layer.inputs.map(\.description).joined(separator: " + "),
        layer.output.description, layer.kernel, Self.count(layer.parameters),
        Self.mega(layer.forwardOperations), Self.mega(layer.backwardOperations),
        String(format: "%.1f", Double(layer.bytes) / 1024),
        layer.offset.map { String(format: "%.1f", Double($0) / 1024) } ?? "batch",
        "\(layer.group + 1)", "\(layer.samples)",
      ]
    }
    let head = [
      "place", "layer", "input", "output", "kernel", "parameters", "forward MFLOP",
      "backward MFLOP", "forward KiB", "arena KiB", "group", "samples",
    ]
    let part =
      model.samplesPerMicroBatch < batch
      ? "; \(model.samplesPerMicroBatch) samples go forward and back before the next ones" : ""
    let operations = layers.reduce(0) { $0 + $1.forwardOperations + $1.backwardOperations }
    return [
      "\(name) for samples of \(space.input), \(space.classes) classes; batch \(batch),"
        + " \(kernels.instructionSet)", "",
    ] + Inspect.table(head, rows, left: 5) + [
      "",
      "\(Self.count(model.layout.parameterCount)) parameters in"
        + " \(Self.count(model.layout.count * 4)) bytes, gradients alike;"
        + " arena \(Self.count(model.arenaCount * 4)) bytes;"
        + " \(Self.mega(operations)) MFLOP per sample and step" + part,
      "MFLOP and KiB: per sample; arena: where the output begins; group: layers of one number run one"
        + " after the other on so many samples at a time",
    ]
  }

  private static func count(_ number: Int) -> String { grouped(number) }

  private static func mega(_ operations: Int) -> String {
    String(format: "%.2f", Double(operations) / 1e6)
  }
}
