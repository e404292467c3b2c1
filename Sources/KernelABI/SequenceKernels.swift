// The kernels of sequence models: attention and recurrent layers.

/// Part of `KernelSet`, whose rules hold. Numbers of one sample do not depend on which others are in
/// the call; only gradients of weights are sums over all of them. What is kept, and scratch, of a
/// shape is enough for fewer samples, too.
public protocol SequenceKernels: SendableMetatype {
  /// y = softmax(q k^T / sqrt(headWidth)) v for every sample and head; y is (samples, length, width).
  /// `logSums` gets, for the backward pass, the logarithm of each row's sum of exponentials:
  /// (samples, heads, length). A value that is NaN or infinite may reach up to seven earlier tokens,
  /// which share a tile with its own, as zero times it.
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
}
