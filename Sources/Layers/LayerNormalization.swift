// Layer normalisation (Ba, Kiros, Hinton 2016, arXiv 1607.06450): each vector to mean 0 and deviation
// 1 over its features, then scaled and shifted. Parameters are named as PyTorch's nn.LayerNorm's.

import Basics
import Kernels

/// Normalisation over the last dimension.
public struct LayerNormalization: Layer {
  /// Added to the variance.
  public let epsilon: Float

  /// A normalisation; the default is PyTorch's.
  public init(epsilon: Float = 1e-5) {
    precondition(epsilon > 0, "epsilon must be positive")
    self.epsilon = epsilon
  }

  public var summary: String { "layer normalisation" }

  private func shape(_ pass: LayerPass) -> LayerNormShape {
    let width = pass.input.dimensions.last!
    return LayerNormShape(
      rows: pass.count * (pass.input.count / width), width: width, epsilon: epsilon)
  }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    try context.numbers(summary)
    let width = context.input.dimensions.last!
    var plan = LayerPlan(output: context.input)
    plan.parameters = [
      .perFeature("weight", context.input, 1), .perFeature("bias", context.input, 0),
    ]
    plan.keptPerSample = 2 * (context.input.count / width)
    plan.keepsOutput = false
    plan.operations = 8 * context.input.count
    return plan
  }

  public func forward(_ pass: LayerPass) {
    pass.kernels.layerNormForward(
      shape(pass), x: pass.x, gain: pass.parameter(0), bias: pass.parameter(1), y: pass.y,
      moments: pass.keptSamples)
  }

  public func backward(_ pass: LayerPass) {
    // Without anybody who needs dx it goes where dy was.
    pass.kernels.layerNormBackward(
      shape(pass), x: pass.x, gain: pass.parameter(0), moments: FloatsIn(pass.keptSamples),
      dy: FloatsIn(pass.dy), dx: pass.dx ?? pass.dy, dgain: pass.gradient(0),
      dbias: pass.gradient(1), accumulate: !pass.isFirst)
    pass.finishGradients()
  }
}
