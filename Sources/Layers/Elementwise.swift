// Functions applied number by number, as layers of their own. Behind a layer that can apply them to its
// own result the network's plan folds them into it.

import Basics
import Kernels

/// y = kind(x), for every number; NaN stays NaN.
public protocol ElementwiseLayer: Layer {
  /// The function.
  static var kind: ActivationKind { get }
}

extension ElementwiseLayer {
  public var summary: String { Self.kind.rawValue }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    try context.numbers(summary)
    var plan = LayerPlan(output: context.input)
    plan.keepsInput = Self.kind.derivativeNeedsInput
    plan.keepsOutput = !Self.kind.derivativeNeedsInput
    plan.operations = context.input.count
    return plan
  }

  public func forward(_ pass: LayerPass) {
    pass.kernels.activation(Self.kind, pass.count * pass.input.count, x: pass.x, y: pass.y)
  }

  public func backward(_ pass: LayerPass) {
    guard let dx = pass.dx else { return }
    pass.kernels.activationBackward(
      Self.kind, pass.count * pass.input.count, x: pass.x, y: FloatsIn(pass.y),
      dy: FloatsIn(pass.dy), dx: dx)
  }
}

/// max(x, 0); the derivative at 0 is 0.
public struct ReLU: ElementwiseLayer {
  public static let kind = ActivationKind.relu
  public init() {}
}

/// x times the probability that a normal variable is below x (Hendrycks, Gimpel 2016), exactly.
public struct GELU: ElementwiseLayer {
  public static let kind = ActivationKind.gelu
  public init() {}
}

/// Hyperbolic tangent.
public struct Tanh: ElementwiseLayer {
  public static let kind = ActivationKind.tanh
  public init() {}
}

/// 1 / (1 + exp(-x)).
public struct Sigmoid: ElementwiseLayer {
  public static let kind = ActivationKind.sigmoid
  public init() {}
}

/// x sigmoid(x), also called swish.
public struct SiLU: ElementwiseLayer {
  public static let kind = ActivationKind.silu
  public init() {}
}
