// The words in which sequence models ask for work. A sample is a sequence of `length` tokens, each
// of them a vector; arrays are (samples, length, features), row-major.

/// A function applied to every element.
public enum ActivationKind: String, Sendable, CaseIterable {
  /// max(x, 0).
  case relu
  /// x times the probability that a normal variable is below x, exactly (not the tanh formula).
  case gelu
  /// Hyperbolic tangent.
  case tanh
  /// 1 / (1 + exp(-x)).
  case sigmoid
  /// x sigmoid(x).
  case silu

  /// Whether the derivative needs x; otherwise y is enough, and y may have overwritten x.
  @inlinable public var derivativeNeedsInput: Bool { self == .gelu || self == .silu }
}

/// Normalisation of each row over its features (Ba, Kiros and Hinton 2016).
public struct LayerNormShape: Sendable {
  /// Tokens, and features of each.
  public var rows, width: Int
  /// Added to the variance.
  public var epsilon: Float

  /// Rows of `width` features.
  public init(rows: Int, width: Int, epsilon: Float = 1e-5) {
    (self.rows, self.width, self.epsilon) = (rows, width, epsilon)
  }
}
