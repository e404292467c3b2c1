// What a data set is to the trainer: numbered samples that can be written, as floats or indices,
// into a batch.

import Basics
import Kernels

/// Bad data, in one line that says which file and what is wrong with it.
public struct DataError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file or folder concerned.
  public let path: String
  /// What is wrong, and what would be right.
  public let problem: String
  /// The system failed to read what is there (no permission, a broken disk); false where data are
  /// missing or malformed.
  public let isInputOutput: Bool

  /// An error about `path`.
  public init(path: String, problem: String, isInputOutput: Bool = false) {
    (self.path, self.problem, self.isInputOutput) = (path, problem, isInputOutput)
  }

  /// For example `data/train-images-idx3-ubyte: truncated: 1,200 bytes where 47,040,016 ...`.
  public var description: String { "\(path): \(problem)" }
}

/// What reading depends on beside the sample's number.
public struct ReadContext: Sendable, Equatable {
  /// The run's seed; nil where samples are read in order and as they are, as for evaluation.
  public let seed: UInt64?
  /// Passes over the data before this one.
  public let epoch: Int

  /// By default: samples as they are.
  public init(seed: UInt64? = nil, epoch: Int = 0) { (self.seed, self.epoch) = (seed, epoch) }
}

/// Numbered samples with targets. Immutable after loading, so that ranks that are threads of one
/// process may share it.
public protocol Dataset: AnyObject, Sendable {
  /// Number of samples.
  var count: Int { get }
  /// Extents of one sample.
  var sampleShape: Shape { get }
  /// What targets are; `.classes` unless a data set says otherwise.
  var targets: TargetKind { get }
  /// Number of classes (or of symbols) that targets count in: 0 ..< classes; 1 where targets are
  /// numbers.
  var classes: Int { get }
  /// Targets per sample: 1 for classification, the length of the sequence for language models.
  var targetsPerSample: Int { get }
  /// Where samples are indices: how many different ones each column has. One number stands for all
  /// columns; by default it is `classes`. Empty for other samples.
  var indexCounts: [Int] { get }
  /// What its numbers stand for; empty unless a data set says otherwise.
  var coding: DataCoding { get }
  /// The same samples in the coding of other data, those that a model was trained on; nil where that
  /// cannot be. By default only the own coding can.
  func recoded(in coding: DataCoding) -> (any Dataset)?
  /// Writes the samples `indices`, one behind the other, in `sampleShape` order, and their targets.
  /// Allocates nothing. What is written is a pure function of (index, context): whoever reads a
  /// sample gets the same picture, with the same distortions where training data are augmented.
  func read(
    _ indices: UnsafeBufferPointer<Int32>, inputs: UnsafeMutableRawPointer,
    targets: UnsafeMutablePointer<Int32>, context: ReadContext, kernels: KernelTable)
}

extension Dataset {
  public var targets: TargetKind { .classes }
  public var indexCounts: [Int] { sampleShape.element == .index ? [classes] : [] }
  public var coding: DataCoding { DataCoding() }
  public func recoded(in coding: DataCoding) -> (any Dataset)? {
    coding == self.coding ? self : nil
  }
}

extension Dataset {
  /// What a model needs to know.
  public var space: SampleSpace {
    let input = Shape(
      sampleShape.dimensions, element: sampleShape.element, folded: sampleShape.folded,
      indexCounts: indexCounts)
    return SampleSpace(input: input, classes: classes, targets: targets)
  }
}

/// A data set's two halves.
public struct DatasetPair: Sendable {
  /// What is trained on, and what is held out.
  public let training, heldOut: any Dataset

  /// Both halves; shapes and classes agree.
  public init(training: any Dataset, heldOut: any Dataset) {
    (self.training, self.heldOut) = (training, heldOut)
  }
}
