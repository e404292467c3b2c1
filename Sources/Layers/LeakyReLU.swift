// A rectifier that lets a share of what is negative pass (Maas, Hannun, Ng: Rectifier nonlinearities
// improve neural network acoustic models, 2013), as discriminators like it: no gradient is lost.

import Basics
import Kernels

/// x where it is positive, slope x elsewhere.
public struct LeakyReLU: Layer {
  /// What is left of a negative number; PyTorch's default is 0.01.
  public let slope: Float

  /// A rectifier.
  public init(_ slope: Float = 0.01) {
    precondition((0..<1).contains(slope), "the slope of a rectifier is from 0 to below 1")
    self.slope = slope
  }

  public var summary: String { "leaky relu, slope \(slope)" }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    try context.numbers(summary)
    var plan = LayerPlan(output: context.input)
    plan.keepsInput = false
    plan.operations = 2 * context.input.count
    return plan
  }

  public func forward(_ pass: LayerPass) {
    pass.kernels.leakyReLU(pass.count * pass.input.count, slope: slope, x: pass.x, y: pass.y)
  }

  public func backward(_ pass: LayerPass) {
    guard let dx = pass.dx else { return }
    pass.kernels.leakyReLUBackward(
      pass.count * pass.input.count, slope: slope, y: FloatsIn(pass.y), dy: FloatsIn(pass.dy),
      dx: dx)
  }
}
