// The loss of regression.

import Basics
import Kernels

/// (output - target)^2, as PyTorch's nn.MSELoss: its mean over targets. What counts as correct is an
/// output within half a unit of its target: one that names the right star rating, once rounded.
public struct MeanSquaredError: Loss {
  /// The usual loss of regression.
  public init() {}

  public var targetKind: TargetKind { .numbers }

  public func targets(per output: Shape) -> Int { output.count }

  public func value(
    count: Int, output: Shape, outputs: FloatsIn, targets: UnsafePointer<Int32>, factor: Float,
    gradient: FloatsOut?, kernels: KernelTable
  ) -> LossSum {
    var sum = LossSum()
    for place in 0..<count * output.count {
      let error = outputs[place] - Float(target: targets[place])
      sum.loss += Double(error) * Double(error)
      if abs(error) <= 0.5 { sum.correct += 1 }
      gradient?[place] = 2 * factor * error
    }
    return sum
  }
}
