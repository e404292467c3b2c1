// What one sample, or one layer's output for one sample, looks like.

/// The extent of one sample, without the batch dimension.
///
/// Images are `[height, width, channels]` (channels innermost), vectors `[features]`, token
/// sequences `[length]` with `element == .index`, sparse rows `[features]` with `element == .sparse`.
public struct Shape: Sendable, Equatable, CustomStringConvertible {
  /// What one entry is.
  public enum Element: String, Sendable {
    /// A 32-bit float.
    case float
    /// A 32-bit index: a token, a row of an embedding.
    case index
    /// A 32-bit float, most of them zero: a sample is one `SparseRow`.
    case sparse
  }

  /// Extents, outermost first.
  public let dimensions: [Int]
  /// What the entries are, and so how a sample lies in memory.
  public let element: Element
  /// The image dimensions that a flattened vector came from: a dense layer after a convolution
  /// needs them to keep its weights in PyTorch's channels-first order in checkpoints.
  public let folded: [Int]?
  /// How many different indices each place may hold, where entries are indices: one number for all
  /// places, or one for each. Empty where nobody knows.
  public let indexCounts: [Int]

  /// A shape of the given extents, which must all be positive.
  public init(
    _ dimensions: [Int], element: Element = .float, folded: [Int]? = nil, indexCounts: [Int] = []
  ) {
    precondition(dimensions.allSatisfy { $0 > 0 }, "extents must be positive: \(dimensions)")
    precondition(
      indexCounts.isEmpty || element == .index, "only indices are counted: \(indexCounts)")
    self.dimensions = dimensions
    self.element = element
    self.folded = folded
    self.indexCounts = indexCounts
  }

  /// Entries per sample; of a sparse one all features.
  public var count: Int { dimensions.reduce(1, *) }

  /// Whether there are at most `most` entries; never overflows.
  public func isAtMost(_ most: Int) -> Bool {
    var count = 1
    for extent in dimensions {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      if overflow || product > most { return false }
      count = product
    }
    return true
  }

  /// Bytes of one sample in a batch: 4 per entry, or one `SparseRow`.
  public var bytesPerSample: Int {
    element == .sparse ? MemoryLayout<SparseRow>.stride : count * MemoryLayout<Float>.stride
  }

  /// For example `28x28x1`.
  public var description: String { dimensions.map(String.init).joined(separator: "x") }
}
