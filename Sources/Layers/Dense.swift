// Fully connected layer: y = x W + b over the last dimension of its input. W lies as (in, out), so
// that the forward product needs no transposition; checkpoints hold PyTorch's (out, in), channels
// first where the input is a flattened image. Cost: 2 * rows * in * out FLOPs forward, twice that
// backward.

import Basics
import Kernels

/// `features` outputs, each connected to every input.
public struct Dense: SummingLayer {
  /// Number of outputs.
  public let features: Int
  /// Whether a number of its own is added to every output.
  public let hasBias: Bool
  /// Deviation of normally distributed initial weights, biases being 0; nil: PyTorch's uniform ones.
  public let deviation: Float?
  /// Applied to the result in the same pass.
  public var activation: Activation
  var addsSecond = false

  /// A dense layer.
  public init(
    _ features: Int, bias: Bool = true, deviation: Float? = nil, activation: Activation = .none
  ) {
    precondition(features > 0, "a dense layer needs at least one output")
    (self.features, hasBias, self.activation) = (features, bias, activation)
    self.deviation = deviation
  }

  public var summary: String {
    "dense \(features)" + (hasBias ? "" : ", no bias") + (addsSecond ? ", sum" : "")
      + activation.suffix
  }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    if context.input.element == .sparse && !addsSecond { return sparsePlan(context) }
    try context.numbers(summary)
    guard context.input.dimensions.count < 3 else {
      throw ShapeError(
        layer: summary, input: context.input,
        problem: "it needs a vector, or a sequence of vectors; put a Flatten layer before it")
    }
    let inputs = context.input.dimensions.last!
    let rows = context.input.count / inputs
    var plan = LayerPlan(output: Shape(context.input.dimensions.dropLast() + [features]))
    plan.parameters = parameters(inputs, image: context.input.folded)
    let most = context.batch * rows
    plan.scratch = [
      forwardShape(most, inputs), weightShape(most, inputs), inputShape(most, inputs),
    ].map(context.kernels.matrixProductScratch).max()!
    activation.plan(&plan)
    plan.passesGradientOn = addsSecond
    plan.canAdd = true
    // Weights are packed anew in every call.
    plan.fewestSamples = rows == 1 ? .max : (511 + rows) / rows
    plan.operations = 2 * rows * inputs * features
    plan.kernel = "matrix product"
    return plan
  }

  /// Weight and bias to ask for.
  ///
  /// - Parameter image: what the inputs were before they were flattened.
  func parameters(_ inputs: Int, image: [Int]? = nil) -> [ParameterRequest] {
    // PyTorch's nn.Linear: both uniform in ±1/sqrt(in).
    return ParameterRequest.weightAndBias(
      (image ?? [inputs]) + [features], axes: image == nil ? [1, 0] : [3, 2, 0, 1],
      exported: [features, inputs], bound: 1 / Float(inputs).squareRoot(), deviation,
      biases: hasBias ? features : nil)
  }

  // (rows, in) (in, out) -> (rows, out)
  private func forwardShape(_ rows: Int, _ inputs: Int) -> MatrixProductShape {
    MatrixProductShape(
      m: rows, n: features, k: inputs, accumulate: addsSecond, relu: activation == .relu)
  }

  // (rows, in)^T (rows, out) -> (in, out)
  private func weightShape(_ rows: Int, _ inputs: Int, add: Bool = false) -> MatrixProductShape {
    MatrixProductShape(m: inputs, n: features, k: rows, transposeA: true, accumulate: add)
  }

  // (rows, out) (in, out)^T -> (rows, in)
  private func inputShape(_ rows: Int, _ inputs: Int, add: Bool = false) -> MatrixProductShape {
    MatrixProductShape(m: rows, n: inputs, k: features, transposeB: true, accumulate: add)
  }

  private func sizes(_ pass: LayerPass) -> (rows: Int, inputs: Int) {
    let inputs = pass.input.dimensions.last!
    return (pass.count * (pass.input.count / inputs), inputs)
  }

  public func forward(_ pass: LayerPass) {
    if pass.input.element == .sparse { return sparseForward(pass) }
    let (rows, inputs) = sizes(pass)
    if let second = pass.second { pass.y.update(from: second, count: rows * features) }
    pass.kernels.matrixProduct(
      forwardShape(rows, inputs), a: pass.x, b: pass.parameter(0),
      bias: hasBias ? pass.parameter(1) : nil, c: pass.y, scratch: pass.scratch)
    activation.forward(pass, done: .relu)
  }

  public func backward(_ pass: LayerPass) {
    if pass.input.element == .sparse { return sparseBackward(pass) }
    let (rows, inputs) = sizes(pass)
    activation.backward(pass)
    if addsSecond { pass.handOnToSecond() }
    pass.kernels.matrixProduct(
      weightShape(rows, inputs, add: !pass.isFirst), a: pass.x, b: FloatsIn(pass.dy), bias: nil,
      c: pass.gradient(0), scratch: pass.scratch)
    if hasBias {
      pass.kernels.sumRows(
        rows: rows, columns: features, x: FloatsIn(pass.dy), add: !pass.isFirst,
        y: pass.gradient(1))
    }
    pass.finishGradients()
    if let dx = pass.dx {
      pass.observer?.pause()
      pass.kernels.matrixProduct(
        inputShape(rows, inputs, add: pass.adds), a: FloatsIn(pass.dy), b: pass.parameter(0),
        bias: nil, c: dx, scratch: pass.scratch)
    }
  }
}
