// What a model needs to know of the data: what a sample looks like, and what is to be found out
// about it.

/// Samples and targets of a data set.
public struct SampleSpace: Sendable, Equatable {
  /// Extents of one sample.
  public var input: Shape
  /// Classes, or symbols, that targets count in; 1 where targets are numbers.
  public var classes: Int
  /// What targets are.
  public var targets: TargetKind

  /// A space.
  public init(input: Shape, classes: Int, targets: TargetKind = .classes) {
    (self.input, self.classes, self.targets) = (input, classes, targets)
  }
}
