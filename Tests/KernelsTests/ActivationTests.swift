import Foundation
import Kernels
import Testing

@Suite struct ActivationTests {
  /// The functions, in double precision.
  private func value(_ kind: ActivationKind, _ x: Double) -> Double {
    switch kind {
    case .relu: max(x, 0)
    case .gelu: x * 0.5 * erfc(-x / 2.0.squareRoot())
    case .tanh: tanh(x)
    case .sigmoid: 1 / (1 + exp(-x))
    case .silu: x / (1 + exp(-x))
    }
  }

  /// Forward and backward for x, dy all one.
  private func run(_ table: KernelTable, _ kind: ActivationKind, _ x: Guarded) -> (
    y: Guarded, dx: Guarded
  ) {
    let (y, dx) = (Guarded(x.count), Guarded(x.count, filledWith: 1))
    table.activation(kind, x.count, x: x.values, y: y.out)
    table.activationBackward(
      kind, x.count, x: x.values, y: y.values, dy: dx.values, dx: dx.out)
    #expect(y.intact && dx.intact)
    return (y, dx)
  }

  /// 4e-7 absolute; gelu 4e-7 and silu 4e-7 of the larger of 1 and |x|; derivatives 6e-7.
  @Test(arguments: KernelSelection.available, ActivationKind.allCases)
  func valuesAreAccurate(_ set: InstructionSet, _ kind: ActivationKind) throws {
    let table = try kernels(set)
    let x = Guarded(40_001)
    for i in 0..<x.count { x[i] = Float(i - 20_000) * 0.0011 }
    let (y, dx) = run(table, kind, x)
    var (largest, largestSlope) = (0.0, 0.0)
    for i in 0..<x.count where x[i] != 0 {
      let at = Double(x[i])
      let expected = value(kind, at)
      largest = max(largest, abs(Double(y[i]) - expected) / max(1, abs(at)))
      let slope = (value(kind, at + 1e-5) - value(kind, at - 1e-5)) / 2e-5
      largestSlope = max(largestSlope, abs(Double(dx[i]) - slope))
    }
    #expect(largest < 4e-7)
    #expect(largestSlope < 6e-7)
    // A small x must not drown in an absolute error.
    if kind == .tanh {
      for i in [20_001, 20_003, 20_030] {
        #expect(abs(y[i] / Float(tanh(Double(x[i]))) - 1) < 1e-6)
      }
    }
  }

  @Test(arguments: vectorSets, ActivationKind.allCases)
  func matchesTheReferenceInAnyLength(_ set: InstructionSet, _ kind: ActivationKind) throws {
    let table = try kernels(set)
    var numbers = Numbers(61)
    for count in VectorTests.counts {
      let (x, dy) = (Guarded(count, &numbers), Guarded(count, &numbers))
      for i in 0..<count { x[i] *= 6 }
      if count > 2 { (x[0], x[1], dy[0], dy[1]) = (-1, 1, .nan, .nan) }
      let (y, expected) = (x.copy(), x.copy())
      table.activation(kind, count, x: y.values, y: y.out)  // In place.
      ScalarKernels.activation(kind, count, x: x.values, y: expected.out)
      #expect(distance(y, expected) < 5e-7 && y.intact, "\(count)")
      let (dx, expectedSlope) = (Guarded(count), Guarded(count))
      table.activationBackward(
        kind, count, x: x.values, y: expected.values, dy: dy.values, dx: dx.out)
      ScalarKernels.activationBackward(
        kind, count, x: x.values, y: expected.values, dy: dy.values, dx: expectedSlope.out)
      #expect(distance(dx, expectedSlope) < 6e-7 && dx.intact, "\(count)")
    }
  }

  @Test(arguments: KernelSelection.available, ActivationKind.allCases)
  func saturatesAndKeepsNaN(_ set: InstructionSet, _ kind: ActivationKind) throws {
    let table = try kernels(set)
    let x = Guarded(40, filledWith: 0)
    for (i, value) in [-Float.infinity, -1e30, -100, -20, 20, 100, .nan, -.nan].enumerated() {
      x[i + 16] = value
      x[i + 32] = value
    }
    let (y, dx) = run(table, kind, x)
    for start in [16, 32] {
      let positive: [Float] = kind == .tanh || kind == .sigmoid ? [1, 1] : [20, 100]
      let negative: Float = kind == .tanh ? -1 : 0
      #expect(abs(y[start + 2] - negative) < 3e-7 && abs(y[start + 3] - negative) < 3e-7)
      #expect(abs(y[start + 4] / positive[0] - 1) < 3e-7)
      #expect(abs(y[start + 5] / positive[1] - 1) < 3e-7)
      #expect(abs(y[start + 2]) <= 1 && abs(y[start + 1] - negative) < 3e-7)
      // -infinity times zero is not a number, there as here.
      #expect(abs(y[start] - negative) < 3e-7 || kind == .gelu || kind == .silu)
      #expect(y[start + 6].isNaN && y[start + 7].isNaN)
      #expect(dx[start + 6].isNaN || kind == .relu)
      for i in 1..<4 { #expect(abs(dx[start + i]) < 1e-6) }
    }
    #expect(y[0] == (kind == .sigmoid ? 0.5 : 0))
  }

  /// One call or two, in place or not: the same bits, but for derivatives of other formulas.
  @Test(arguments: KernelSelection.available, ActivationKind.allCases)
  func theDerivativeComesBesideTheValue(_ set: InstructionSet, _ kind: ActivationKind) throws {
    let table = try kernels(set)
    var numbers = Numbers(62)
    for count in VectorTests.counts {
      let x = Guarded(count, &numbers)
      for i in 0..<count { x[i] *= 6 }
      let (y, dx) = run(table, kind, x)
      let (again, derivative) = (x.copy(), Guarded(count))
      table.activationWithDerivative(
        kind, count, x: again.values, y: again.out, derivative: derivative.out)
      #expect(identical(again, y) && identical(derivative, dx), "\(count)")
      #expect(again.intact && derivative.intact)
      let product = dx.copy()
      table.multiply(count, x: x.values, y: product.out)
      #expect((0..<count).allSatisfy { product[$0] == dx[$0] * x[$0] } && product.intact)
    }
  }

  @Test func theInputIsNeededWhereTheNameSaysSo() {
    #expect(ActivationKind.allCases.filter(\.derivativeNeedsInput) == [.gelu, .silu])
    #expect(ActivationKind(rawValue: "gelu") == .gelu)
  }
}
