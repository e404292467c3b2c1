// Softmax cross-entropy and its gradient. A row is read three times, from the first-level cache:
// largest logit, sum of exponentials, gradient.

import CSIMD
import KernelABI

extension VectorKernels {
  /// About 2 exponentials per logit where the gradient is wanted, 1 otherwise. A row whose loss is
  /// NaN (a logit is NaN or infinitely large) never counts as correct.
  public static func softmaxCrossEntropy(
    rows: Int, classes: Int, logits: FloatsIn, labels: UnsafePointer<Int32>, factor: Float,
    gradient: FloatsOut?
  ) -> LossSum {
    var result = LossSum()
    for row in 0..<rows {
      let x = logits + row &* classes
      let label = Int(labels[row])
      precondition(label >= 0 && label < classes, "a label must be one of the classes")
      let chosen = x[label]
      let largest = largestLogit(x, classes)
      let sum = sumOfExponentials(x, classes, largest)
      let loss = csimd_log(sum) + Double(largest) - Double(chosen)
      result.loss += loss
      if chosen == largest && !loss.isNaN && isFirst(x, label, largest) { result.correct &+= 1 }
      if let gradient {
        let dx = gradient + row &* classes
        writeGradient(x, classes, largest, Float(Double(factor) / sum), dx)
        dx[label] -= factor
      }
    }
    return result
  }

  /// The largest number of a row, never NaN: about that tells the sum.
  @inline(__always)
  private static func largestLogit(_ x: FloatsIn, _ classes: Int) -> Float {
    var i = 0
    var m = Half(repeating: -.infinity)
    while i &+ half <= classes {
      m = csimd_max((x + i).half, m)
      i &+= half
    }
    var largest = csimd_largest(m)
    while i < classes {
      if x[i] > largest { largest = x[i] }
      i &+= 1
    }
    return largest
  }

  /// Sum of exp(x - largest): each lane in single precision, lanes and tail in double precision.
  @inline(__always)
  private static func sumOfExponentials(_ x: FloatsIn, _ classes: Int, _ largest: Float) -> Double {
    let offset = Half(repeating: largest)
    var i = 0
    var lanes = Half()
    while i &+ half <= classes {
      lanes = csimd_add(lanes, exponential(csimd_subtract((x + i).half, offset)))
      i &+= half
    }
    var sum = Double(csimd_sum(lanes))
    if i < classes {
      let e = exponential(csimd_subtract(Half.load(x + i, classes &- i), offset))
      for lane in 0..<(classes &- i) { sum += Double(e[lane]) }
    }
    return sum
  }

  /// dx = exp(x - largest) * factor.
  @inline(__always)
  private static func writeGradient(
    _ x: FloatsIn, _ classes: Int, _ largest: Float, _ factor: Float, _ dx: FloatsOut
  ) {
    let (offset, factor) = (Half(repeating: largest), Half(repeating: factor))
    var i = 0
    while i &+ half <= classes {
      csimd_multiply(exponential(csimd_subtract((x + i).half, offset)), factor).store(dx + i)
      i &+= half
    }
    if i < classes {
      let e = exponential(csimd_subtract(Half.load(x + i, classes &- i), offset))
      csimd_multiply(e, factor).store(dx + i, classes &- i)
    }
  }

  /// Whether no logit before `label` reaches `largest`.
  @inline(__always)
  private static func isFirst(_ x: FloatsIn, _ label: Int, _ largest: Float) -> Bool {
    for i in 0..<label where x[i] == largest { return false }
    return true
  }
}
