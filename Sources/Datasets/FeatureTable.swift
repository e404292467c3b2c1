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
  private let standardisation: Standardisation?

  /// All rows of a table; features are standardised when they are read.
  init(
    values: [Float], targets rowTargets: [Int32], kind: TargetKind, classNames: [String],
    standardisation: Standardisation?
  ) {
    (self.values, self.rowTargets) = (values, rowTargets)
    self.standardisation = standardisation
    (targets, self.classNames) = (kind, classNames)
    classes = kind == .classes ? max(2, classNames.count) : 1
    count = rowTargets.count
    sampleShape = Shape([values.count / rowTargets.count])
  }

  public var coding: DataCoding {
    DataCoding([Numbering(Numbering.classes, classNames)], standardisation: standardisation)
  }

  /// Features are standardised as those of the other data were, or not at all if those were not, and
  /// classes take the numbers that they have there.
  public func recoded(in coding: DataCoding) -> (any Dataset)? {
    guard let places = coding.places(ofClassesOf: self.coding),
      coding.standardisation?.fits(features: sampleShape.count) ?? true
    else { return nil }
    return FeatureTable(
      values: values,
      targets: targets == .classes ? rowTargets.map { places[Int($0)] } : rowTargets,
      kind: targets, classNames: coding.classes?.names ?? classNames,
      standardisation: coding.standardisation)
  }

  /// Copies rows, or standardises them.
  public func read(
    _ indices: UnsafeBufferPointer<Int32>, inputs: UnsafeMutableRawPointer,
    targets: UnsafeMutablePointer<Int32>, context: ReadContext, kernels: KernelTable
  ) {
    let features = sampleShape.count
    let samples = inputs.assumingMemoryBound(to: Float.self)
    values.withUnsafeBufferPointer { values in
      for (place, index) in indices.enumerated() {
        let row = Int(index)
        targets[place] = rowTargets[row]
        let source = values.baseAddress! + row * features, sample = samples + place * features
        if let standardisation {
          standardisation.write(source, to: sample)
        } else {
          sample.update(from: source, count: features)
        }
      }
    }
  }
}
