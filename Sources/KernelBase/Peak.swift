// The yardstick of the benchmarks: how fast this instruction set multiplies and adds when nothing
// but registers takes part.

import KernelABI

extension VectorKernels {
  /// Runs `steps` times 24 independent multiply-adds (12 where there are 16 registers) of one
  /// register, and returns a number that depends on all of them.
  public static func multiplyAdds(_ steps: Int) -> Float {
    var sums = InlineArray<2, InlineArray<6, Wide>>(repeating: .init(repeating: Wide()))
    let factor = Wide(repeating: 0.999)
    let term = Wide(repeating: 0.001)
    for _ in 0..<steps {
      for i in 0..<(tileRows / 6) {
        for j in 0..<6 {
          sums[unchecked: i][unchecked: j] = Wide.fma(
            sums[unchecked: i][unchecked: j], factor, term)
        }
      }
    }
    var total: Float = 0
    for i in 0..<2 {
      for j in 0..<6 { total += sums[unchecked: i][unchecked: j][0] }
    }
    return total
  }

  /// Operations of one step of `multiplyAdds`.
  public static var operationsPerStep: Int { tileRows * wide * 2 }
}
