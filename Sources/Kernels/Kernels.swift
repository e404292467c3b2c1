// The choice of an instruction set at run time. Users of this module pass a `KernelTable` around
// and never import a variant.

import CSIMD
@_exported import KernelABI
import KernelBase

#if arch(x86_64)
  import KernelAVX2
  import KernelAVX512
#endif

/// The kernels of one instruction set; call its static functions.
public typealias KernelTable = any KernelSet.Type

/// An environment variable asks for kernels that do not exist here.
public struct KernelSelectionError: Error, CustomStringConvertible, Equatable {
  /// One line for the user.
  public let description: String
}

/// Finds the kernels to run. A pure function of processor, build and request: nothing is stored.
public enum KernelSelection {
  /// The environment variable that `select(environment:)` reads.
  public static let variable = "KERNEL_ISA"

  /// What this build and this processor can run, from narrow to wide.
  public static var available: [InstructionSet] {
    InstructionSet.allCases.filter { table(for: $0) != nil }
  }

  /// The widest kernels that this processor runs.
  public static var best: KernelTable {
    for set in InstructionSet.allCases.reversed() {
      if let table = table(for: set) { return table }
    }
    return ScalarKernels.self
  }

  /// The kernels compiled for `set`; nil where the processor or the build lacks them.
  public static func table(for set: InstructionSet) -> KernelTable? {
    switch set {
    case .scalar: return ScalarKernels.self
    case .baseline: return KernelBase.VectorKernels.self
    #if arch(x86_64)
      case .avx2: return csimd_level() >= 3 ? KernelAVX2.VectorKernels.self : nil
      case .avx512: return csimd_level() >= 4 ? KernelAVX512.VectorKernels.self : nil
    #else
      case .avx2, .avx512: return nil
    #endif
    }
  }

  /// `best`, or what the variable KERNEL_ISA names: scalar, baseline, avx2 or avx512. Ranks of one
  /// job on different processors must agree on a set, because sets differ in rounding.
  public static func select(environment: [String: String]) throws(KernelSelectionError)
    -> KernelTable
  {
    guard let name = environment[variable], !name.isEmpty else { return best }
    let known = available.map { "\($0)" }.joined(separator: ", ")
    guard let set = InstructionSet.allCases.first(where: { "\($0)" == name }) else {
      throw KernelSelectionError(
        description: "\(variable)=\(name) names no instruction set; known here: \(known)")
    }
    guard let table = table(for: set) else {
      throw KernelSelectionError(
        description: "\(variable)=\(name) is not supported by this processor; known here: \(known)")
    }
    return table
  }
}
