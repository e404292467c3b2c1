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

/// What a recurrent layer computes at each token.
public enum RecurrentCell: Sendable, CaseIterable {
  /// Hochreiter and Schmidhuber 1997, gates in PyTorch's order: input, forget, cell, output.
  case lstm
  /// Cho et al. 2014, gates in PyTorch's order: reset, update, new; the reset gate multiplies
  /// W_hn h + b_hn.
  case gru

  /// Blocks of columns of the weights.
  @inlinable public var gates: Int { self == .lstm ? 4 : 3 }

  /// Sums are formed in four places. Inputs go to the gate's own; this is where the state's part
  /// goes: to the same, but a GRU's reset gate multiplies the state's part of the new gate alone.
  @inlinable
  public func statePlace(_ gate: Int) -> Int { self == .gru && gate == 2 ? 3 : gate }
}

/// A recurrent layer over whole sequences, starting from a state of zeros.
public struct RecurrentShape: Sendable {
  /// What the layer computes.
  public var cell: RecurrentCell
  /// Sequences, tokens of each, features of an input token, features of the state.
  public var samples, length, inputs, hidden: Int
  /// Rows of the embedding where the input is tokens; 0 where it is dense.
  public var symbols: Int

  /// A layer; `symbols` where it begins with an embedding of tokens.
  public init(
    cell: RecurrentCell, samples: Int, length: Int, inputs: Int, hidden: Int, symbols: Int = 0
  ) {
    (self.cell, self.samples, self.length) = (cell, samples, length)
    (self.inputs, self.hidden, self.symbols) = (inputs, hidden, symbols)
  }

  /// Columns of the weights.
  @inlinable public var gateCount: Int { cell.gates * hidden }

  /// Stops the program where an input is not of the shape's kind, or a token is no symbol.
  public func check(_ input: RecurrentInput) {
    switch input {
    case .dense: precondition(symbols == 0, "a shape with symbols needs tokens as input")
    case .tokens(let tokens, _):
      for i in 0..<samples * length {
        precondition(
          tokens[i] >= 0 && Int(tokens[i]) < symbols, "a token must be one of the symbols")
      }
    }
  }
}

/// What a recurrent layer reads.
public enum RecurrentInput {
  /// Vectors: (samples, length, inputs).
  case dense(FloatsIn)
  /// Tokens, (samples, length), each the number of a row of the embedding, (symbols, inputs).
  case tokens(UnsafePointer<Int32>, embedding: FloatsIn)
}

/// PyTorch's weight_ih and weight_hh, transposed, and its two biases.
public struct RecurrentWeights {
  /// (inputs, gates * hidden) and (hidden, gates * hidden).
  public var input, hidden: FloatsIn
  /// gates * hidden floats each.
  public var inputBias, hiddenBias: FloatsIn

  /// Weights.
  public init(input: FloatsIn, hidden: FloatsIn, inputBias: FloatsIn, hiddenBias: FloatsIn) {
    (self.input, self.hidden) = (input, hidden)
    (self.inputBias, self.hiddenBias) = (inputBias, hiddenBias)
  }
}

/// Where the gradients of a recurrent layer go; all are overwritten.
public struct RecurrentGradients {
  /// As in `RecurrentWeights`.
  public var input, hidden, inputBias, hiddenBias: FloatsOut
  /// Gradient of the dense input, or of the embedding; nil where nobody needs it.
  public var x: FloatsOut?

  /// Gradients.
  public init(
    input: FloatsOut, hidden: FloatsOut, inputBias: FloatsOut, hiddenBias: FloatsOut, x: FloatsOut?
  ) {
    (self.input, self.hidden) = (input, hidden)
    (self.inputBias, self.hiddenBias) = (inputBias, hiddenBias)
    self.x = x
  }
}
