import Foundation
import Kernels
import Testing

@Suite struct VectorTests {
  static let counts = [0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000, 1027]

  @Test(arguments: vectorSets) func maps(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(41)
    for count in Self.counts {
      let x = Guarded(count, &numbers)
      let y = Guarded(count, &numbers)
      if count > 3 { (x[1], x[2], y[3]) = (.nan, 0, 0) }
      func check(_ name: String, _ body: (KernelTable, FloatsOut) -> Void) {
        let (result, expected) = (y.copy(), y.copy())
        body(table, result.out)
        body(ScalarKernels.self, expected.out)
        #expect(distance(result, expected) < 3e-7 && result.intact, "\(name) of \(count)")
      }
      check("leaky relu") { $0.leakyReLU(count, slope: 0.2, x: x.values, y: $1) }
      check("leaky relu backward") {
        $0.leakyReLUBackward(count, slope: 0.2, y: x.values, dy: y.values, dx: $1)
      }
      check("add") { $0.add(count, x: x.values, y: $1) }
      check("sum of vectors, into two of them") { kernels, out in
        let sources = [x.out, out, y.out]
        sources.withUnsafeBufferPointer {
          kernels.sumVectors(count, x: $0.baseAddress!, over: 3, y: $0.baseAddress! + 1, into: 1)
        }
      }
      check("sum of one vector") { kernels, out in
        kernels.sumVectors(count, x: [x.out], over: 1, y: [out], into: 1)
      }
      check("add scaled") { $0.addScaled(count, factor: -0.7, x: x.values, y: $1) }
      check("scale") { $0.scale(count, factor: 1.3, y: $1) }
      let bytes = GuardedBytes(count)
      for i in 0..<count { bytes.out[i] = UInt8(truncatingIfNeeded: i &* 7) }
      check("bytes") {
        $0.convertBytes(count, bytes: bytes.out, scale: 1.0 / 255, offset: -0.5, y: $1)
      }
    }
  }

  @Test(arguments: vectorSets) func sums(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(42)
    for count in Self.counts + [1_000_003] {
      let x = Guarded(count, &numbers)
      let y = Guarded(count, &numbers)
      func check(_ name: String, _ body: (KernelTable) -> Double) {
        let (result, expected) = (body(table), body(ScalarKernels.self))
        #expect(abs(result - expected) <= 1e-12 * Double(count + 1), "\(name) of \(count)")
        #expect(result == body(table), "\(name) of \(count) is not deterministic")
      }
      check("squares") { $0.sumOfSquares(count, x: x.values) }
      check("dot") { $0.dot(count, x: x.values, y: y.values) }
    }
  }

  @Test(arguments: vectorSets) func rows(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(43)
    for (rows, columns) in [(0, 3), (1, 1), (5, 10), (33, 40), (64, 10), (3000, 65), (129, 32)] {
      let x = Guarded(rows * columns, &numbers)
      let (y, expected) = (Guarded(columns), Guarded(columns))
      for add in [false, true] {
        table.sumRows(rows: rows, columns: columns, x: x.values, add: add, y: y.out)
        ScalarKernels.sumRows(
          rows: rows, columns: columns, x: x.values, add: add, y: expected.out)
        #expect(distance(y, expected) < 4e-5 && y.intact, "\(rows) x \(columns)")
      }
    }
  }

  @Test(arguments: vectorSets) func updates(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(44)
    for count in Self.counts {
      let gradients = Guarded(count, &numbers)
      let start = Guarded(count, &numbers)
      let velocity = Guarded(count, &numbers)
      let second = Guarded(count, &numbers)
      for i in 0..<count { second[i] = i % 4 == 0 ? 0 : abs(second[i]) }
      for (momentum, nesterov, first) in [
        (Float(0), false, false), (0.9, false, true), (0.9, false, false), (0.9, true, true),
        (0.9, true, false),
      ] {
        let rule = SGDRule(
          rate: 0.1, momentum: momentum, decay: 0.01, gradientScale: 0.5, nesterov: nesterov,
          first: first)
        let (w, expected) = (start.copy(), start.copy())
        let (v, expectedV) = (velocity.copy(), velocity.copy())
        if first && count > 0 { (v[0], expectedV[0]) = (.nan, .nan) }
        table.sgd(
          rule, count: count, gradients: gradients.values, parameters: w.out,
          velocity: momentum == 0 ? nil : v.out)
        ScalarKernels.sgd(
          rule, count: count, gradients: gradients.values, parameters: expected.out,
          velocity: momentum == 0 ? nil : expectedV.out)
        #expect(distance(w, expected) < 4e-7 && distance(v, expectedV) < 4e-7, "\(rule)")
        #expect(w.intact && v.intact)
      }
      for decoupled in [false, true] {
        let rule = AdamRule(
          rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.05, gradientScale: 0.5,
          correction1: 0.19, rootCorrection2: 0.0447, decoupled: decoupled, complement2: 0.001)
        let (w, expected) = (start.copy(), start.copy())
        let (m, expectedM) = (velocity.copy(), velocity.copy())
        let (v, expectedV) = (second.copy(), second.copy())
        table.adam(
          rule, count: count, gradients: gradients.values, parameters: w.out, firstMoment: m.out,
          secondMoment: v.out)
        ScalarKernels.adam(
          rule, count: count, gradients: gradients.values, parameters: expected.out,
          firstMoment: expectedM.out, secondMoment: expectedV.out)
        // Coupled decay may cancel the gradient, which magnifies the rounding of either.
        #expect(distance(w, expected) < (decoupled ? 2e-6 : 1e-4), "\(rule)")
        #expect(distance(m, expectedM) < 3e-7 && distance(v, expectedV) < 3e-7)
        #expect(w.intact && m.intact && v.intact)
      }
    }
  }
}
