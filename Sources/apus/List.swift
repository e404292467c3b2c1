// `apus list`: the catalogues.

import ArgumentParser
import Basics
import Collectives
import Datasets
import Kernels
import Layers
import Optimizers
import Strategies

/// Shows every name and setting that `apus train` knows.
struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List models, layers, data sets, strategies, optimizers and their settings.")

  func run() {
    section(
      "models (--model)",
      modelCatalog.entries.map { ($0.name, $0.entry.summary, $0.entry.settings) })
    section(
      "layers (in the list of layers that a job's file may have as its model)",
      layerCatalog.entries.map { name, recipe in
        let lists = recipe.parts.map { Setting($0, default: "", help: "a list of layers") }
        return (name, recipe.summary, recipe.settings + lists)
      }, prefix: "")
    section(
      "data (--data)",
      datasetCatalog.entries.map { name, format in
        (
          name + (format.argument.isEmpty ? "" : ":" + format.argument), format.summary,
          format.settings
        )
      })
    section(
      "strategies (--strategy)",
      strategyCatalog.entries.map { ($0.name, $0.entry.summary, $0.entry.settings) })
    section(
      "optimizers (--optimizer)",
      optimizerCatalog.entries.map { ($0.name, $0.entry.summary, $0.entry.settings) })
    section(
      "learning-rate schedules (--schedule)",
      scheduleCatalog.entries.map { ($0.name, $0.entry.summary, $0.entry.settings) })
    section(
      "all-reduce (--all-reduce)",
      allReduceCatalog.entries.map { ($0.name, $0.entry.summary, []) }
        + [(TunedAllReduce.autoName, "the fastest for each length, measured at start", [])])
    section(
      "wire formats (--wire)", wireFormatCatalog.entries.map { ($0.name, $0.entry.summary, []) })
    section(
      "instruction sets (environment variable KERNEL_ISA)",
      KernelSelection.available.map { ("\($0)", "", []) })
  }

  /// - Parameter prefix: what a setting's name is written behind.
  private func section(
    _ title: String, _ entries: [(String, String, [Setting])], prefix: String = "--set "
  ) {
    print(title)
    for (name, summary, settings) in entries {
      print("  " + (summary.isEmpty ? name : Self.padded(name, 24) + summary))
      for setting in settings {
        let value = setting.defaultValue.isEmpty ? "" : " (default \(setting.defaultValue))"
        let name = prefix + setting.name + (prefix.isEmpty ? ":" : "=")
        print("    " + Self.padded(name, 22) + setting.help + value)
      }
    }
    print("")
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}
