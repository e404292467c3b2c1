// Losses: what stands behind the last layer.

import Basics
import Kernels

/// A loss over the network's outputs and integer targets.
public protocol Loss: Sendable {
  /// What targets are.
  var targetKind: TargetKind { get }
  /// Targets that one sample of this output has.
  func targets(per output: Shape) -> Int
  /// Sum over targets and, where wanted, factor times its gradient (which may overwrite `outputs`).
  /// outputs: (count, output shape); targets: (count, targets per sample).
  func value(
    count: Int, output: Shape, outputs: FloatsIn, targets: UnsafePointer<Int32>, factor: Float,
    gradient: FloatsOut?, kernels: KernelTable
  ) -> LossSum
}

/// -log softmax(outputs)[target], the last dimension being the classes.
public struct SoftmaxCrossEntropy: Loss {
  /// The usual loss of classification.
  public init() {}

  public var targetKind: TargetKind { .classes }

  public func targets(per output: Shape) -> Int { output.count / output.dimensions.last! }

  public func value(
    count: Int, output: Shape, outputs: FloatsIn, targets: UnsafePointer<Int32>, factor: Float,
    gradient: FloatsOut?, kernels: KernelTable
  ) -> LossSum {
    kernels.softmaxCrossEntropy(
      rows: count * self.targets(per: output), classes: output.dimensions.last!, logits: outputs,
      labels: targets, factor: factor, gradient: gradient)
  }
}

extension LossSum {
  /// Adds another sum.
  mutating func add(_ other: LossSum) {
    loss += other.loss
    correct += other.correct
  }
}
