// Rectified linear unit, y = max(x, 0), as a layer of its own. After a dense or convolution layer
// the network's plan folds it into that layer.

import Basics
import Kernels

/// y = max(x, 0), value by value; NaN stays NaN. The derivative at 0 is 0.
public struct ReLU: Layer {
  /// A rectifier.
  public init() {}

  public var summary: String { "relu" }

  public func plan(input: Shape, batch: Int, kernels: KernelTable) throws(ShapeError) -> LayerPlan {
    guard input.element == .float else {
      throw ShapeError(layer: summary, input: input, problem: "it needs numbers, not indices")
    }
    return LayerPlan(output: input)
  }

  public func forward(_ pass: LayerPass) {
    pass.kernels.relu(pass.count * pass.inputShape.count, x: pass.x, y: pass.y)
  }

  public func backward(_ pass: LayerPass) {
    guard let dx = pass.dx else { return }
    pass.kernels.reluBackward(pass.count * pass.inputShape.count, y: pass.y, dy: pass.dy, dx: dx)
  }
}
