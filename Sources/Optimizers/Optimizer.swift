// An optimizer is its documented properties plus a short update over any range of the flat buffers.

import Basics
import Kernels

/// What an update needs to know about the step it belongs to.
public struct UpdateStep: Sendable {
  /// 1 for the first update.
  public let number: Int
  /// Learning rate of this step.
  public private(set) var learningRate: Float
  /// Factor on every gradient value (global-norm clipping); 1 leaves them alone.
  public let gradientScale: Float
  /// The vector code to use.
  public let kernels: KernelTable
  /// Where tensors lie, for optimizers that look at whole tensors.
  public let layout: ParameterLayout

  /// A step's facts.
  public init(
    number: Int, learningRate: Float, gradientScale: Float = 1, kernels: KernelTable,
    layout: ParameterLayout
  ) {
    (self.number, self.learningRate) = (number, learningRate)
    (self.gradientScale, self.kernels, self.layout) = (gradientScale, kernels, layout)
  }

  /// The same step for parameters that learn `factor` times as fast.
  public func faster(by factor: Float) -> UpdateStep {
    var step = self
    step.learningRate *= factor
    return step
  }
}

/// A rule that turns gradients into new parameters. A value: its hyper-parameters only; the vectors
/// it keeps from step to step belong to the replica, so that they can be sharded and checkpointed.
public protocol Optimizer: Sendable {
  /// Name in the catalogue.
  static var name: String { get }
  /// Names of the per-parameter vectors kept from step to step, for example `first_moment`.
  var slots: [String] { get }
  /// Updates `range` of `parameters` from `gradients`, both addressed by flat indices; `state`
  /// covers the range and has one vector per slot. Any range is valid, and a parameter's new value
  /// does not depend on how ranges are cut: what is updated by one rank or by several has the same
  /// bits.
  func update(
    _ range: Range<Int>, parameters: FloatBuffer, gradients: FloatBuffer, state: OptimizerState,
    step: UpdateStep)
}
