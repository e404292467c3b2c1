// `apus inspect`.

import ArgumentParser
import Foundation
import Training

/// Shows what a checkpoint holds.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a checkpoint holds, after checking that it is whole.")

  @Argument(help: "A checkpoint file, or a run's folder for its newest whole checkpoint.")
  var checkpoint: String

  func run() throws {
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
  static func table(_ head: [String], _ rows: [[String]]) -> [String] {
    let all = [head] + rows
    let widths = head.indices.map { column in all.map { $0[column].count }.max()! }
    return all.map { row in
      row.enumerated().map { column, text in
        let fill = String(repeating: " ", count: widths[column] - text.count)
        return column < 2 ? text + fill : fill + text
      }.joined(separator: "  ")
    }
  }
}
