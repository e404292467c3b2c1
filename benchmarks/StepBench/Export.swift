// The files that a peer reads a batch from.

import Basics
import Foundation

extension RandomSamples {
  /// Writes raw inputs and targets, and what they are.
  func export(to folder: String) throws {
    func write(_ data: Data, _ name: String) throws {
      try data.write(to: URL(fileURLWithPath: folder + "/" + name))
    }
    try write(
      denseInputs.isEmpty
        ? Data(bytes: batch.inputs, count: inputBytes) : denseInputs.withUnsafeBytes { Data($0) },
      "inputs.raw")
    try write(Data(bytes: batch.targets, count: 4 * targetCount), "targets.raw")
    let facts: [String: Any] = [
      "input": space.input.dimensions, "element": space.input.element.rawValue,
      "classes": space.classes, "targets": space.targets.rawValue,
      "index_counts": space.indexCounts,
    ]
    try write(JSONSerialization.data(withJSONObject: facts), "space.json")
  }
}
