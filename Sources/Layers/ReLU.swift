// Rectified linear unit, y = max(x, 0), as a layer of its own. Behind a layer that can apply it to
// its own result the network's plan folds it into that layer.

import Basics
import Kernels

/// y = max(x, 0), value by value; NaN stays NaN. The derivative at 0 is 0.
public struct ReLU: Layer {
  /// A rectifier.
  public init() {}

  public var summary: String { "relu" }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    try context.numbers(summary)
    var plan = LayerPlan(output: context.input)
    plan.keepsInput = false
    plan.operations = context.input.count
    return plan
  }

  public func forward(_ pass: LayerPass) {
    pass.kernels.relu(pass.count * pass.input.count, x: pass.x, y: pass.y)
  }

  public func backward(_ pass: LayerPass) {
    guard let dx = pass.dx else { return }
    pass.kernels.reluBackward(
      pass.count * pass.input.count, y: FloatsIn(pass.y), dy: FloatsIn(pass.dy), dx: dx)
  }
}
