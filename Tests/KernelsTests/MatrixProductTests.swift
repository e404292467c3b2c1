import Kernels
import Testing

@Suite struct MatrixProductTests {
  /// Compares one product with the reference, and with itself.
  private func check(
    _ table: KernelTable, _ shape: MatrixProductShape, bias: Bool, _ numbers: inout Numbers
  ) {
    let aCount = max(1, (shape.transposeA ? shape.k : shape.m) * shape.lda)
    let bCount = max(1, (shape.transposeB ? shape.n : shape.k) * shape.ldb)
    let a = Guarded(aCount, &numbers)
    let b = Guarded(bCount, &numbers)
    let row = Guarded(max(shape.n, 1), &numbers)
    let start = Guarded(shape.m * shape.ldc, &numbers)
    let (expected, c, again) = (start.copy(), start.copy(), start.copy())
    let scratch = Guarded(table.matrixProductScratch(shape))
    let biasRow = bias ? row.values : nil
    ScalarKernels.matrixProduct(
      shape, a: a.values, b: b.values, bias: biasRow, c: expected.out, scratch: scratch.out)
    table.matrixProduct(
      shape, a: a.values, b: b.values, bias: biasRow, c: c.out, scratch: scratch.out)
    table.matrixProduct(
      shape, a: a.values, b: b.values, bias: biasRow, c: again.out, scratch: scratch.out)
    let bound = 1e-6 * Float(shape.k + 1).squareRoot() + 1e-6
    #expect(distance(c, expected) < bound, "\(shape) bias: \(bias)")
    #expect(c.intact && scratch.intact, "\(shape)")
    #expect(identical(c, again), "\(shape)")
    // What lies between the rows is left alone.
    for i in 0..<shape.m {
      for j in shape.n..<max(shape.n, shape.ldc) {
        #expect(c[i * shape.ldc + j] == start[i * shape.ldc + j], "\(shape)")
      }
    }
  }

  @Test(arguments: vectorSets) func randomShapes(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(1)
    let extents = [1, 2, 3, 5, 7, 10, 11, 12, 13, 16, 17, 31, 32, 33, 47, 48, 64, 65, 97]
    for i in 0..<400 {
      func extent() -> Int { extents[numbers.int(0...extents.count - 1)] }
      var shape = MatrixProductShape(
        m: extent(), n: extent(), k: extent(), transposeA: i & 1 != 0, transposeB: i & 2 != 0,
        accumulate: i % 5 == 0, relu: i % 3 == 0)
      if i % 7 == 0 {
        shape.lda += numbers.int(0...9)
        shape.ldb += numbers.int(0...9)
        shape.ldc += numbers.int(0...9)
      }
      check(table, shape, bias: i % 2 == 0, &numbers)
    }
  }

  @Test(arguments: vectorSets) func largeShapes(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(2)
    for (m, n, k) in [
      (64, 10, 1352), (1352, 10, 64), (64, 1352, 10), (3, 600, 520), (61, 1030, 257),
      (64, 512, 784), (1, 40, 3000), (700, 1, 33), (26, 9, 1000), (200, 12, 3), (17, 31, 1025),
    ] {
      for form in 0..<4 {
        let shape = MatrixProductShape(
          m: m, n: n, k: k, transposeA: form & 1 != 0, transposeB: form & 2 != 0, relu: true)
        check(table, shape, bias: true, &numbers)
      }
    }
  }

  @Test(arguments: vectorSets) func emptyExtents(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(3)
    for (m, n, k) in [(0, 5, 7), (5, 0, 7), (5, 7, 0), (40, 70, 0)] {
      for form in 0..<4 {
        let shape = MatrixProductShape(
          m: m, n: n, k: k, transposeA: form & 1 != 0, transposeB: form & 2 != 0)
        check(table, shape, bias: true, &numbers)
      }
    }
  }

  @Test(arguments: vectorSets) func reluKeepsNaN(_ set: InstructionSet) throws {
    let table = try kernels(set)
    for n in [3, 16, 40] {
      let shape = MatrixProductShape(m: 5, n: n, k: 4, relu: true)
      let a = Guarded(20, filledWith: 1)
      let b = Guarded(4 * n, filledWith: -1)
      a[9] = .nan
      let c = Guarded(5 * n)
      let scratch = Guarded(table.matrixProductScratch(shape))
      table.matrixProduct(
        shape, a: a.values, b: b.values, bias: nil, c: c.out, scratch: scratch.out)
      for i in 0..<5 * n { #expect(i / n == 2 ? c[i].isNaN : c[i] == 0) }
    }
  }
  /// A sample's numbers are the same bits however many samples are in the call.
  @Test(arguments: vectorSets) func rowsDoNotDependOnTheirNumber(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(4)
    let most = 1030
    for (n, k) in (1...12).map({ ($0, 1024 + $0) }) + [(5, 100), (13, 1030), (40, 300), (200, 20)] {
      let (a, b) = (Guarded(most * k, &numbers), Guarded(n * k, &numbers))
      let bias = Guarded(n, &numbers)
      for transposeB in [false, true] {
        func run(_ m: Int) -> Guarded {
          let shape = MatrixProductShape(m: m, n: n, k: k, transposeB: transposeB, relu: true)
          let c = Guarded(m * n), scratch = Guarded(table.matrixProductScratch(shape))
          table.matrixProduct(
            shape, a: a.values, b: b.values, bias: bias.values, c: c.out, scratch: scratch.out)
          return c
        }
        let all = run(most)
        for m in Array(1...40) + Array(255...257) + Array(1023...1029) {
          #expect(identical(run(m), all.part(0, m * n)), "\(m) x \(n) x \(k)")
        }
      }
    }
  }
}
