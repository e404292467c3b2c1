import Kernels
import Testing

@Suite struct EmbeddingTests {
  @Test(arguments: vectorSets) func rowsThereAndBack(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(71)
    for (count, width, symbols) in [(0, 3, 2), (1, 1, 1), (50, 33, 7), (40, 128, 65)] {
      let rows = Guarded(symbols * width, &numbers)
      let indices = (0..<count).map { _ in Int32(numbers.int(0...symbols - 1)) }
      let y = Guarded(count * width)
      table.gatherRows(
        count, width: width, symbols: symbols, indices: indices, table: rows.values, y: y.out)
      for i in 0..<y.count { #expect(y[i] == rows[Int(indices[i / width]) * width + i % width]) }
      let (sums, expected) = (rows.copy(), rows.copy())
      table.scatterAddRows(
        count, width: width, symbols: symbols, indices: indices, dy: y.values, dtable: sums.out)
      ScalarKernels.scatterAddRows(
        count, width: width, symbols: symbols, indices: indices, dy: y.values,
        dtable: expected.out)
      // In the order of the indices: the very same bits.
      #expect(identical(sums, expected) && sums.intact && y.intact)
    }
  }

  @Test func anIndexMustBeARow() async throws {
    await #expect(processExitsWith: .failure) {
      let (rows, y) = (Guarded(6), Guarded(2))
      KernelSelection.best.gatherRows(
        1, width: 2, symbols: 3, indices: [3], table: rows.values, y: y.out)
    }
    await #expect(processExitsWith: .failure) {
      let (dy, sums) = (Guarded(2), Guarded(6))
      ScalarKernels.scatterAddRows(
        1, width: 2, symbols: 3, indices: [-1], dy: dy.values, dtable: sums.out)
    }
  }
}
