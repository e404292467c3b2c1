// The words in which sequence models ask for work. A sample is a sequence of `length` tokens, each
// of them a vector; arrays are (samples, length, features), row-major.

/// Causal or full multi-head self-attention. q, k and v of a token lie side by side, as PyTorch's
/// fused projection leaves them: qkv is (samples, length, 3 * width), its thirds (heads, headWidth).
public struct AttentionShape: Sendable {
  /// Sequences, tokens of each, heads, and features of each head.
  public var samples, length, heads, headWidth: Int
  /// Token i sees tokens 0...i only.
  public var causal: Bool

  /// Self-attention.
  public init(samples: Int, length: Int, heads: Int, headWidth: Int, causal: Bool) {
    (self.samples, self.length) = (samples, length)
    (self.heads, self.headWidth, self.causal) = (heads, headWidth, causal)
  }

  /// Features of a token.
  @inlinable public var width: Int { heads * headWidth }
  /// Floats of y; qkv has three times as many.
  @inlinable public var count: Int { samples * length * width }
  /// Rows of the attention matrix, over all samples and heads.
  @inlinable public var rowCount: Int { samples * heads * length }
  /// What scores are multiplied by.
  public var scale: Float { Float(1 / Double(headWidth).squareRoot()) }
}

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
