// The loss of yes-or-no questions.

import Basics
import Kernels

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// -log sigmoid(output) where the target is 1, -log(1 - sigmoid(output)) where it is 0; one output per
/// sample, of any size (PyTorch's nn.BCEWithLogitsLoss).
public struct BinaryCrossEntropy: Loss {
  /// The usual loss of two classes and one output.
  public init() {}

  public var targetKind: TargetKind { .classes }

  public func targets(per output: Shape) -> Int { output.count }

  public func value(
    count: Int, output: Shape, outputs: FloatsIn, targets: UnsafePointer<Int32>, factor: Float,
    gradient: FloatsOut?, kernels: KernelTable
  ) -> LossSum {
    (0..<count * output.count).reduce(into: LossSum()) { sum, place in
      sum.add(
        Self.value(outputs[place], isTrue: targets[place] != 0, factor, gradient.map { $0 + place })
      )
    }
  }

  /// The loss of one output, and factor times its derivative.
  static func value(
    _ output: Float, isTrue: Bool, _ factor: Float, _ gradient: FloatsOut?
  ) -> LossSum {
    let x = Double(output)
    // Both forms stay finite for outputs of any size.
    let tail = log1p(exp(-abs(x)))
    let loss = max(x, 0) - (isTrue ? x : 0) + tail
    let sigmoid = x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x))
    gradient?.pointee = Float(Double(factor) * (sigmoid - (isTrue ? 1 : 0)))
    return LossSum(loss: loss, correct: x.isNaN || (x > 0) != isTrue ? 0 : 1)
  }
}
