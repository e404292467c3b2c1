// The kernels of sequence models: attention, recurrent layers, and the small ones around them.

/// Part of `KernelSet`, whose rules hold. Numbers of one sample (of one row, in kernels without
/// samples) do not depend on which others are in the call; only gradients of weights are sums over
/// all of them.
public protocol SequenceKernels: SendableMetatype {
  /// y = softmax(q k^T / sqrt(headWidth)) v for every sample and head; y is (samples, length, width).
  /// `logSums` gets, for the backward pass, the logarithm of each row's sum of exponentials:
  /// (samples, heads, length).
  static func attentionForward(
    _ shape: AttentionShape, qkv: FloatsIn, y: FloatsOut, logSums: FloatsOut, scratch: FloatsOut)
  /// dqkv, overwritten, from dy and what the forward pass read and wrote.
  static func attentionBackward(
    _ shape: AttentionShape, qkv: FloatsIn, y: FloatsIn, logSums: FloatsIn, dy: FloatsIn,
    dqkv: FloatsOut, scratch: FloatsOut)
  /// Floats of scratch that either pass needs.
  static func attentionScratch(_ shape: AttentionShape) -> Int

  /// h = the states of a recurrent layer at all tokens, (samples, length, hidden).
  static func recurrentForward(
    _ shape: RecurrentShape, _ input: RecurrentInput, _ weights: RecurrentWeights, h: FloatsOut,
    kept: FloatsOut, scratch: FloatsOut)
  /// All gradients from dh, the gradient of every state as others see it (samples, length, hidden),
  /// and what the forward pass read and wrote.
  static func recurrentBackward(
    _ shape: RecurrentShape, _ input: RecurrentInput, _ weights: RecurrentWeights, h: FloatsIn,
    dh: FloatsIn, kept: FloatsIn, gradients: RecurrentGradients, scratch: FloatsOut)
  /// Floats that the forward pass keeps for the backward pass; the layout is the kernels' own.
  static func recurrentKept(_ shape: RecurrentShape) -> Int
  /// Floats of scratch that either pass needs.
  static func recurrentScratch(_ shape: RecurrentShape) -> Int

  /// y = kind(x), NaN stays NaN; y may be x.
  static func activation(_ kind: ActivationKind, _ count: Int, x: FloatsIn, y: FloatsOut)
  /// dx = dy times the derivative; `x` and `y` are as in the forward pass, and only the one that
  /// `kind.derivativeNeedsInput` names is read. dx may be dy.
  static func activationBackward(
    _ kind: ActivationKind, _ count: Int, x: FloatsIn, y: FloatsIn, dy: FloatsIn, dx: FloatsOut)

  /// y = kind(x) and derivative = kind'(x), with the bits of `activation`; y may be x.
  static func activationWithDerivative(
    _ kind: ActivationKind, _ count: Int, x: FloatsIn, y: FloatsOut, derivative: FloatsOut)

  /// y = (x - mean) / sqrt(variance + epsilon) * gain + bias, row by row, for x + residual where one
  /// is given. `moments` gets (mean, 1 / deviation) of each row: (rows, 2).
  ///
  /// - Parameter residual: added to x first; `sum` gets the result, and may be x or `residual`.
  static func layerNormForward(
    _ shape: LayerNormShape, x: FloatsIn, residual: (addend: FloatsIn, sum: FloatsOut)?,
    gain: FloatsIn, bias: FloatsIn, y: FloatsOut, moments: FloatsOut)
  /// dx, overwritten (it may be dy), and dgain and dbias, which are overwritten or, where a network
  /// calls for one piece of the rows after the other, added to. `x` is what was normalised.
  static func layerNormBackward(
    _ shape: LayerNormShape, x: FloatsIn, gain: FloatsIn, moments: FloatsIn, dy: FloatsIn,
    dx: FloatsOut, dgain: FloatsOut, dbias: FloatsOut, accumulate: Bool)

  /// Row i of y = row indices[i] of the table (symbols, width).
  static func gatherRows(
    _ count: Int, width: Int, symbols: Int, indices: UnsafePointer<Int32>, table: FloatsIn,
    y: FloatsOut)
  /// Row indices[i] of dtable += row i of dy, in the order of i.
  static func scatterAddRows(
    _ count: Int, width: Int, symbols: Int, indices: UnsafePointer<Int32>, dy: FloatsIn,
    dtable: FloatsOut)

  /// y[i] = x[i] / (1 - rate) or, with probability `rate` (in 0..<1), zero; y may be x. Which, is a
  /// pure function of `key` and `counter + i`, the same on every instruction set; so the backward
  /// pass is this function again, with dy for x.
  static func dropout(
    _ count: Int, rate: Float, key: UInt64, counter: UInt64, x: FloatsIn, y: FloatsOut)
}
