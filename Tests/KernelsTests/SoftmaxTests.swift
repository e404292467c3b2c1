import Foundation
import Kernels
import Testing

@Suite struct SoftmaxTests {
  private func run(
    _ table: KernelTable, _ logits: Guarded, _ labels: [Int32], _ classes: Int
  ) -> (LossSum, Guarded) {
    let gradient = Guarded(logits.count)
    let result = table.softmaxCrossEntropy(
      rows: labels.count, classes: classes, logits: logits.values, labels: labels, factor: 0.5,
      gradient: gradient.out)
    #expect(gradient.intact)
    return (result, gradient)
  }

  @Test(arguments: vectorSets) func matchesTheReference(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(51)
    for classes in [1, 2, 3, 10, 15, 16, 17, 65, 100, 1000] {
      let rows = 20
      let logits = Guarded(rows * classes, &numbers)
      for i in 0..<logits.count { logits[i] *= 30 }
      let labels = (0..<rows).map { _ in Int32(numbers.int(0...classes - 1)) }
      for row in stride(from: 0, to: rows, by: 4) { logits[row * classes + Int(labels[row])] = 31 }
      let (result, gradient) = run(table, logits, labels, classes)
      let (expected, expectedGradient) = run(ScalarKernels.self, logits, labels, classes)
      #expect(abs(result.loss - expected.loss) <= 2e-6 * (1 + abs(expected.loss)))
      #expect(result.correct == expected.correct)
      #expect(distance(gradient, expectedGradient) < 3e-7)
      // In place, and without a gradient.
      let same = table.softmaxCrossEntropy(
        rows: rows, classes: classes, logits: logits.values, labels: labels, factor: 0.5,
        gradient: nil)
      #expect(same == result)
      _ = table.softmaxCrossEntropy(
        rows: rows, classes: classes, logits: logits.values, labels: labels, factor: 0.5,
        gradient: logits.out)
      #expect(identical(logits, gradient))
    }
  }

  @Test(arguments: KernelSelection.available) func tiesGoToTheFirst(_ set: InstructionSet) throws {
    let table = try kernels(set)
    for classes in [2, 10, 40] {
      let logits = Guarded(2 * classes, filledWith: 1)
      let (result, _) = run(table, logits, [0, Int32(classes - 1)], classes)
      #expect(result.correct == 1)
      #expect(abs(result.loss - 2 * log(Double(classes))) < 1e-6)
    }
  }

  @Test(arguments: KernelSelection.available) func nanAndInfinityShow(_ set: InstructionSet)
    throws
  {
    let table = try kernels(set)
    for classes in [3, 16, 37] {
      for place in [0, 1, classes - 1] {
        for value in [Float.nan, .infinity, Float(bitPattern: 0xFFC0_0001)] {
          let logits = Guarded(2 * classes, filledWith: 0.5)
          logits[place] = value
          let (result, gradient) = run(table, logits, [Int32(place), 0], classes)
          #expect(result.loss.isNaN && result.correct == 1)
          #expect(gradient[place].isNaN && !gradient[classes].isNaN)
        }
        let logits = Guarded(classes, filledWith: 0.5)
        logits[place] = -.infinity
        #expect(run(table, logits, [Int32(place)], classes).0.loss == .infinity)
      }
    }
  }

  /// exp alone: two classes, where softmax = exp(-d) / (1 + exp(-d)) for a distance d.
  @Test(arguments: vectorSets) func exponentialIsAccurate(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var largest = 0.0
    for i in 0..<20_000 {
      let d = Float(i) * 0.004
      let logits = Guarded(2)
      (logits[0], logits[1]) = (0, -d)
      let (_, gradient) = run(table, logits, [0], 2)
      let e = exp(-Double(d))
      let expected = 0.5 * e / (1 + e)
      largest = max(largest, abs(Double(gradient[1]) - expected) / expected)
    }
    #expect(largest < 2.5 / 16_777_216 * 2)
  }
}
