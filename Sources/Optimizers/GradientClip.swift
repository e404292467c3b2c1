// Clipping by the global norm (Pascanu, Mikolov, Bengio: On the difficulty of training recurrent
// neural networks, ICML 2013, algorithm 1). The caller knows the norm over all parameters, however
// they are sharded; the factor travels to the optimizer in `UpdateStep.gradientScale`.

/// A limit on the Euclidean norm of the whole gradient.
public struct GradientClip: Sendable, Equatable {
  /// Largest norm that is left alone.
  public let limit: Float

  /// A limit above 0.
  public init(limit: Float) {
    precondition(limit > 0, "the limit on the gradient's norm must be above 0")
    self.limit = limit
  }

  /// min(1, limit / norm): what every gradient value is multiplied by. A norm that is not finite
  /// gives 1: scaling by 0 would turn an overflow into a silent standstill.
  public func factor(norm: Double) -> Float {
    norm.isFinite && norm > Double(limit) ? Float(Double(limit) / norm) : 1
  }
}
