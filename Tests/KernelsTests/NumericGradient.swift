// Derivatives of a definition that is written down a second time, in doubles: what the scalar
// kernels, and through them all others, are measured by.

import Foundation
import Kernels

/// Central differences of f at x; good to about 1e-9 of f's magnitude.
func numericGradient(_ x: [Double], _ f: ([Double]) -> Double) -> [Double] {
  let step = 1e-5
  var moved = x
  return x.indices.map { i in
    moved[i] = x[i] + step
    let above = f(moved)
    moved[i] = x[i] - step
    let below = f(moved)
    moved[i] = x[i]
    return (above - below) / (2 * step)
  }
}

extension Guarded {
  /// The numbers in double precision.
  var doubles: [Double] { (0..<count).map { Double(self[$0]) } }

  /// Numbers rounded to floats.
  convenience init(_ values: [Double]) {
    self.init(values.count)
    for (i, value) in values.enumerated() { self[i] = Float(value) }
  }
}

/// Sum of x times y.
func inner(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }

/// 0.8 sin(start + 0.7 i): numbers that are easily written down elsewhere.
func wave(_ count: Int, _ start: Double) -> Guarded {
  let numbers = Guarded(count)
  for i in 0..<count { numbers[i] = Float(0.8 * sin(start + 0.7 * Double(i))) }
  return numbers
}
