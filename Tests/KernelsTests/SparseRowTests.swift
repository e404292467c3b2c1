import Kernels
import Testing

@Suite struct SparseRowTests {
  @Test(arguments: vectorSets) func bothPasses(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(61)
    for (count, inputs) in [(0, 4), (1, 1), (7, 50), (60, 40)] {
      for columns in [1, 2, 4, 5, 10, 32, 33, 100] {
        let what = "\(count) of \(inputs) x \(columns)"
        // An index may stand there twice.
        let indices = (0..<count).map { _ in Int32(numbers.int(0...inputs - 1)) }
        let values = Guarded(count, &numbers), w = Guarded(inputs * columns, &numbers)
        let bias = Guarded(columns, &numbers), dy = Guarded(columns, &numbers)
        let (y, expected) = (Guarded(columns), Guarded(columns))
        let (dw, dwExpected) = (Guarded(w.count), Guarded(w.count))
        for hasBias in [false, true] {
          for (kernels, y, dw) in [
            (table, y, dw), (ScalarKernels.self as KernelTable, expected, dwExpected),
          ] {
            for i in 0..<w.count { dw[i] = w[i] }
            kernels.sparseRowProduct(
              count, indices: indices, values: values.values, columns: columns, w: w.values,
              bias: hasBias ? bias.values : nil, y: y.out)
            kernels.sparseRowScatter(
              count, indices: indices, values: values.values, columns: columns, dy: dy.values,
              dw: dw.out)
          }
          #expect(distance(y, expected) < 1e-5 && y.intact, "\(what)")
          #expect(distance(dw, dwExpected) < 1e-5 && dw.intact, "\(what)")
        }
      }
    }
  }
}
