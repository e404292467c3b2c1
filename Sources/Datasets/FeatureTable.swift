// Samples that are rows of numbers in memory, each with one target.

import Basics
import Kernels

/// Rows of a table of floats.
public final class FeatureTable: Dataset {
  public let count: Int
  /// `[features]`.
  public let sampleShape: Shape
  public let classes: Int
  public let targets: TargetKind
  public var targetsPerSample: Int { 1 }
  /// What the file calls the classes, in their order; empty where targets are numbers.
  public let classNames: [String]

  private let values: [Float]  // (rows of the table, features)
  private let rowTargets: [Int32]  // (rows of the table)
  private let rows: [Int32]?

  /// Rows `rows` of a table, or all of them.
  init(
    values: [Float], targets rowTargets: [Int32], kind: TargetKind, classNames: [String],
    rows: [Int32]?
  ) {
    (self.values, self.rowTargets, self.rows) = (values, rowTargets, rows)
    (targets, self.classNames) = (kind, classNames)
    classes = kind == .classes ? max(2, classNames.count) : 1
    count = rows?.count ?? rowTargets.count
    sampleShape = Shape([values.count / rowTargets.count])
  }

  /// Copies rows.
  public func read(
    _ indices: UnsafeBufferPointer<Int32>, inputs: UnsafeMutableRawPointer,
    targets: UnsafeMutablePointer<Int32>, context: ReadContext, kernels: KernelTable
  ) {
    let features = sampleShape.count
    let samples = inputs.assumingMemoryBound(to: Float.self)
    values.withUnsafeBufferPointer { values in
      for (place, index) in indices.enumerated() {
        let row = Int(rows?[Int(index)] ?? index)
        targets[place] = rowTargets[row]
        (samples + place * features).update(
          from: values.baseAddress! + row * features, count: features)
      }
    }
  }
}
