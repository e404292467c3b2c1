// Activations that a layer applies to its own result while it is still in registers or cache.

import Kernels

/// What a layer does to its result. Where the derivative cannot be told from the result it is computed
/// beside it, of the same parts, and kept for the backward pass.
public enum Activation: String, Sendable {
  case none, relu, tanh, sigmoid, gelu, silu

  /// The one that does what a layer of its own would; nil where backward would need its input.
  init?(_ layer: any Layer) {
    guard let layer = layer as? any ElementwiseLayer else { return nil }
    self.init(rawValue: type(of: layer).kind.rawValue)
  }

  private var kind: ActivationKind? { ActivationKind(rawValue: rawValue) }

  /// For a layer's summary.
  var suffix: String { self == .none ? "" : ", \(rawValue)" }

  private var keepsDerivative: Bool { kind?.derivativeNeedsInput ?? false }

  /// What the layer must keep for the backward pass.
  func plan(_ plan: inout LayerPlan) {
    plan.keepsOutput = self != .none && !keepsDerivative
    if keepsDerivative { plan.keptPerSample = plan.output.count }
  }

  /// Applies itself to a result that the layer's kernel has stored without it, in place.
  ///
  /// - Parameter done: what the kernel has applied already.
  func forward(_ pass: LayerPass, done: Activation = .none) {
    guard self != done, let kind else { return }
    let count = pass.count * pass.plan.output.count
    if keepsDerivative && pass.isTraining {
      pass.kernels.activationWithDerivative(
        kind, count, x: FloatsIn(pass.y), y: pass.y, derivative: pass.keptSamples)
    } else {
      pass.kernels.activation(kind, count, x: FloatsIn(pass.y), y: pass.y)
    }
  }

  /// Turns the gradient of the activated output (`dy`) into that of the layer's result, in place.
  func backward(_ pass: LayerPass) {
    guard let kind else { return }
    let count = pass.count * pass.plan.output.count
    if keepsDerivative {
      pass.kernels.multiply(count, x: FloatsIn(pass.keptSamples), y: pass.dy)
    } else {
      pass.kernels.activationBackward(
        kind, count, x: FloatsIn(pass.y), y: FloatsIn(pass.y), dy: FloatsIn(pass.dy), dx: pass.dy)
    }
  }
}

/// A layer that can apply an activation to its result.
protocol ActivatedLayer: Layer {
  var activation: Activation { get set }
  /// Whether this one can be applied.
  func takes(_ activation: Activation) -> Bool
}

extension ActivatedLayer {
  func takes(_ activation: Activation) -> Bool { true }
}

/// A layer that can add a second input to its result, before its activation.
protocol SummingLayer: ActivatedLayer {
  var addsSecond: Bool { get set }
}
