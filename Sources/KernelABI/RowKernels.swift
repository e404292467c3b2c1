// The kernels of matrices whose rows are samples or tokens, one by one: normalisation, embedding, loss.

/// Part of `KernelSet`, whose rules hold. Numbers of one row do not depend on which others are in the
/// call; gradients of weights and the loss are sums over all of them.
public protocol RowKernels: SendableMetatype {
  /// y = (x - mean) / sqrt(variance + epsilon) * gain + bias, row by row. `moments` gets
  /// (mean, 1 / deviation) of each row: (rows, 2).
  static func layerNormForward(
    _ shape: LayerNormShape, x: FloatsIn, gain: FloatsIn, bias: FloatsIn, y: FloatsOut,
    moments: FloatsOut)
  /// dx, overwritten (it may be dy), and dgain and dbias, which are overwritten or, where a network
  /// calls for one piece of the rows after the other, added to.
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

  /// y[c] = [y[c] +] sum over rows r of x[r, c].
  static func sumRows(rows: Int, columns: Int, x: FloatsIn, add: Bool, y: FloatsOut)

  /// The loss over `rows` x `classes` logits and, where wanted, its gradient
  /// factor * (softmax - onehot(label)), which may overwrite the logits.
  static func softmaxCrossEntropy(
    rows: Int, classes: Int, logits: FloatsIn, labels: UnsafePointer<Int32>, factor: Float,
    gradient: FloatsOut?
  ) -> LossSum
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

/// What softmax cross-entropy found out about a batch.
public struct LossSum: Sendable, Equatable {
  /// Sum over rows of -log softmax(logits)[label]; NaN or infinite where a logit is.
  public var loss: Double
  /// Rows whose first largest logit is the label's.
  public var correct: Int

  /// A sum.
  public init(loss: Double = 0, correct: Int = 0) { (self.loss, self.correct) = (loss, correct) }
}
