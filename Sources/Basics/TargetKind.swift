// What the 32 bits of a target mean. Targets of both kinds lie in the same memory, so whoever hands
// batches on need not know.

/// The kind of a data set's targets.
public enum TargetKind: String, Sendable {
  /// A class, or the number of a symbol, from 0.
  case classes
  /// A number to be predicted: the bit pattern of a `Float`.
  case numbers
}

extension Float {
  /// The number that a target of the kind `.numbers` holds.
  public init(target: Int32) { self.init(bitPattern: UInt32(bitPattern: target)) }

  /// The number as a target of the kind `.numbers`.
  public var target: Int32 { Int32(bitPattern: bitPattern) }
}
