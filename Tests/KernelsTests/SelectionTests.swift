import Kernels
import Testing

@Suite struct SelectionTests {
  @Test func everythingAvailableCanBeChosen() throws {
    #expect(KernelSelection.available.starts(with: [.scalar, .baseline]))
    #expect(KernelSelection.best.instructionSet == KernelSelection.available.last)
    #expect(
      try KernelSelection.select(environment: [:]).instructionSet
        == KernelSelection.best.instructionSet)
    for set in KernelSelection.available {
      let table = try KernelSelection.select(environment: ["KERNEL_ISA": "\(set)"])
      #expect(table.instructionSet == set)
    }
  }

  @Test func nonsenseIsRefusedInOneLine() {
    let error = #expect(throws: KernelSelectionError.self) {
      try KernelSelection.select(environment: ["KERNEL_ISA": "avx1024"])
    }
    #expect(error?.description.contains("avx1024") == true)
    #expect(error?.description.contains("scalar, baseline") == true)
    #expect(error?.description.contains("\n") == false)
  }
}
