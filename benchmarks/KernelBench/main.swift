// Measures the kernels of one instruction set (KERNEL_ISA chooses): checks each result against the
// scalar reference, then prints time, GFLOP/s and the share of the multiply-add peak, or GB/s.
// Arguments, if any, select the lines that contain one of them.

import Basics
import Foundation
import KernelBase
import Kernels

#if arch(x86_64)
  import KernelAVX2
  import KernelAVX512
#endif

let table = try KernelSelection.select(environment: ProcessInfo.processInfo.environment)
let filters = CommandLine.arguments.dropFirst()

/// The multiply-add loop of the instruction set in use, GFLOP/s.
func peak() -> Double {
  let steps = 40_000
  func rate(_ operations: Int, _ loop: (Int) -> Float) -> Double {
    Double(operations * steps) / measure(0.01) { consume(loop(steps)) }.best / 1e9
  }
  switch table.instructionSet {
  #if arch(x86_64)
    case .avx512:
      return rate(
        KernelAVX512.VectorKernels.operationsPerStep, KernelAVX512.VectorKernels.multiplyAdds)
    case .avx2:
      return rate(
        KernelAVX2.VectorKernels.operationsPerStep, KernelAVX2.VectorKernels.multiplyAdds)
  #endif
  default:
    return rate(KernelBase.VectorKernels.operationsPerStep, KernelBase.VectorKernels.multiplyAdds)
  }
}

/// Whether the command line asks for `name`.
func wanted(_ name: String) -> Bool {
  filters.isEmpty || filters.contains { name.contains($0) }
}

/// Prints one line for work that multiplies.
func report(_ name: String, operations: Int, _ body: () -> Void) {
  let before = peak()
  let t = measure(0.4, body)
  let top = max(before, peak())
  let best = Double(operations) / t.best / 1e9
  print(
    column(name, 44), number(t.best * 1e6), number(t.median * 1e6), number(best),
    number(Double(operations) / t.median / 1e9), number(100 * best / top), "%")
}

/// Prints one line for work that moves bytes.
func report(_ name: String, bytes: Int, _ body: () -> Void) {
  guard wanted(name) else { return }
  let t = measure(0.1, body)
  print(
    column(name, 44), number(t.best * 1e6), number(t.median * 1e6),
    number(Double(bytes) / t.best / 1e9), number(Double(bytes) / t.median / 1e9))
}

print("kernels: \(table.instructionSet), multiply-add peak \(number(peak(), 1, 0)) GFLOP/s")
print(column("", 44), "  best us   med us     best      med   of peak")
benchmarkMatrixProducts()
benchmarkConvolutions()
benchmarkVectors()
benchmarkSequences()
