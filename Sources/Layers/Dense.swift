// Fully connected layer: y = x W + b. W lies as (in, out), so that the forward product needs no
// transposition; checkpoints hold PyTorch's (out, in), channels first where the input is a
// flattened image. Cost: 2 * batch * in * out FLOPs forward, twice that backward.

import Basics
import Kernels

/// `features` outputs, each connected to every input.
public struct Dense: Layer {
  /// Number of outputs.
  public let features: Int
  /// Applied to the result in the same pass.
  public var activation: Activation

  /// A dense layer.
  public init(_ features: Int, activation: Activation = .none) {
    precondition(features > 0, "a dense layer needs at least one output")
    self.features = features
    self.activation = activation
  }

  public var summary: String { "dense \(features)" + activation.suffix }

  public func plan(input: Shape, batch: Int, kernels: KernelTable) throws(ShapeError) -> LayerPlan {
    guard input.dimensions.count == 1, input.element == .float else {
      throw ShapeError(
        layer: summary, input: input, problem: "it needs a vector; put a Flatten layer before it")
    }
    let inputs = input.count
    // PyTorch's nn.Linear: both uniform in ±1/sqrt(in).
    let bound = 1 / Float(inputs).squareRoot()
    let weight: ParameterRequest
    if let image = input.folded {
      weight = ParameterRequest(
        "weight", shape: image + [features], axes: [3, 2, 0, 1], exportedShape: [features, inputs],
        initialisation: .uniform(bound: bound))
    } else {
      weight = ParameterRequest(
        "weight", shape: [inputs, features], axes: [1, 0], initialisation: .uniform(bound: bound))
    }
    var plan = LayerPlan(output: Shape([features]))
    plan.parameters = [
      weight,
      ParameterRequest("bias", shape: [features], initialisation: .uniform(bound: bound)),
    ]
    plan.scratch = [
      forwardShape(batch, inputs), weightShape(batch, inputs), inputShape(batch, inputs),
    ].map(kernels.matrixProductScratch).max()!
    return plan
  }

  // (batch, in) (in, out) -> (batch, out)
  private func forwardShape(_ count: Int, _ inputs: Int) -> MatrixProductShape {
    MatrixProductShape(m: count, n: features, k: inputs, relu: activation == .relu)
  }

  // (batch, in)^T (batch, out) -> (in, out)
  private func weightShape(_ count: Int, _ inputs: Int) -> MatrixProductShape {
    MatrixProductShape(m: inputs, n: features, k: count, transposeA: true)
  }

  // (batch, out) (in, out)^T -> (batch, in)
  private func inputShape(_ count: Int, _ inputs: Int) -> MatrixProductShape {
    MatrixProductShape(m: count, n: inputs, k: features, transposeB: true)
  }

  public func forward(_ pass: LayerPass) {
    pass.kernels.matrixProduct(
      forwardShape(pass.count, pass.inputShape.count), a: pass.x, b: pass.parameter(0),
      bias: pass.parameter(1), c: pass.y, scratch: pass.scratch)
  }

  public func backward(_ pass: LayerPass) {
    let inputs = pass.inputShape.count
    activation.backward(pass)
    pass.kernels.matrixProduct(
      weightShape(pass.count, inputs), a: pass.x, b: pass.dy, bias: nil, c: pass.gradient(0),
      scratch: pass.scratch)
    pass.kernels.sumRows(rows: pass.count, columns: features, x: pass.dy, y: pass.gradient(1))
    pass.finishGradients()
    if let dx = pass.dx {
      pass.observer?.pause()
      pass.kernels.matrixProduct(
        inputShape(pass.count, inputs), a: pass.dy, b: pass.parameter(0), bias: nil, c: dx,
        scratch: pass.scratch)
    }
  }
}
