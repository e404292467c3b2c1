// Activations that a layer applies to its own result while it is still in registers or cache.

import Kernels

/// What a layer does to its result.
public enum Activation: String, Sendable {
  case none, relu

  /// For a layer's summary.
  var suffix: String { self == .none ? "" : ", \(rawValue)" }

  /// Applies itself to a result that the layer's kernel has stored without it, in place.
  func forward(_ pass: LayerPass) {
    switch self {
    case .none: break
    case .relu:
      pass.kernels.relu(pass.count * pass.plan.output.count, x: FloatsIn(pass.y), y: pass.y)
    }
  }

  /// Turns the gradient of the activated output (`dy`) into that of the layer's result, in place.
  func backward(_ pass: LayerPass) {
    switch self {
    case .none: break
    case .relu:
      pass.kernels.reluBackward(
        pass.count * pass.plan.output.count, y: pass.y, dy: pass.dy, dx: pass.dy)
    }
  }
}

/// A layer that can apply an activation to its result.
protocol ActivatedLayer: Layer {
  var activation: Activation { get set }
}

/// A layer that can add a second input to its result, before its activation.
protocol SummingLayer: ActivatedLayer {
  var addsSecond: Bool { get set }
}
