// Softmax cross-entropy by its definition, in double precision:
// loss = log(sum over j of exp(x[j] - max)) + max - x[label], gradient = softmax(x) - onehot(label).

import KernelABI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension ScalarKernels {
  /// A row whose loss is NaN (a logit is NaN or infinitely large) never counts as correct.
  public static func softmaxCrossEntropy(
    rows: Int, classes: Int, logits: FloatsIn, labels: UnsafePointer<Int32>, factor: Float,
    gradient: FloatsOut?
  ) -> LossSum {
    var result = LossSum()
    for row in 0..<rows {
      let x = logits + row * classes
      let label = Int(labels[row])
      precondition(label >= 0 && label < classes, "a label must be one of the classes")
      var (largest, first) = (x[0], 0)
      for j in 1..<classes where x[j] > largest { (largest, first) = (x[j], j) }
      var sum = 0.0
      for j in 0..<classes { sum += exp(Double(x[j]) - Double(largest)) }
      let loss = log(sum) + Double(largest) - Double(x[label])
      result.loss += loss
      if first == label && !loss.isNaN { result.correct += 1 }
      guard let gradient = gradient.map({ $0 + row * classes }) else { continue }
      for j in 0..<classes {
        let softmax = exp(Double(x[j]) - Double(largest)) / sum
        gradient[j] = Float(Double(factor) * (softmax - (j == label ? 1 : 0)))
      }
    }
    return result
  }
}
