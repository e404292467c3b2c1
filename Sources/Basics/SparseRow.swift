// A sample of which almost all features are zero, as the list of the others: one row of a matrix in
// compressed sparse row form. It points into the data set's own memory, so a batch of them costs 24
// bytes a sample, however many features there are.

/// The entries of one sample that are not zero.
public struct SparseRow: BitwiseCopyable {
  /// Places among the sample's features, from 0, ascending; `count` of them.
  public let indices: UnsafePointer<Int32>
  /// The value at each of those places.
  public let values: UnsafePointer<Float>
  /// Number of entries; may be 0.
  public let count: Int

  /// A view of memory that outlives the row.
  public init(indices: UnsafePointer<Int32>, values: UnsafePointer<Float>, count: Int) {
    (self.indices, self.values, self.count) = (indices, values, count)
  }
}
