// The files that a peer reads a batch from.

import Basics
import Foundation

extension SampleSpace {
  /// Says what samples are.
  func export(to folder: String) throws {
    let facts: [String: Any] = [
      "input": input.dimensions, "element": input.element.rawValue, "classes": classes,
      "targets": targets.rawValue, "index_counts": input.indexCounts,
    ]
    try JSONSerialization.data(withJSONObject: facts)
      .write(to: URL(fileURLWithPath: folder + "/space.json"))
  }
}

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
    try space.export(to: folder)
  }
}
