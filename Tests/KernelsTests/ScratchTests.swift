// Scratch is planned once, for the largest call, and serves every smaller one: a network's last batch
// has fewer samples, and so have the pieces of a batch.

import Kernels
import Testing

@Suite struct ScratchTests {
  /// Samples, in rising order, with the limits of blocks inside of kernels.
  static let counts = Array(0...200) + Array(250...260) + Array(1020...1030) + [2000]

  static let recurrentShapes = RecurrentCell.allCases.flatMap { cell in
    [(1, 5, 17, 0), (7, 5, 17, 65), (40, 128, 128, 0), (300, 3, 64, 0), (64, 128, 100, 65)].map {
      RecurrentShape(cell: cell, samples: 0, length: $0, inputs: $1, hidden: $2, symbols: $3)
    }
  }

  /// Whether no count needs more than a larger one.
  private func rises(_ need: (Int) -> Int) -> Bool {
    let needs = Self.counts.map(need)
    return zip(needs, needs.dropFirst()).allSatisfy { $0 <= $1 }
  }

  @Test(arguments: KernelSelection.available) func productsOfFewerRows(_ set: InstructionSet)
    throws
  {
    let table = try kernels(set)
    for n in [1, 10, 12, 13, 40, 512, 9000] {
      for k in [1, 20, 33, 300, 1023, 1024, 3000] {
        for transposeB in [false, true] {
          let rises = rises {
            table.matrixProductScratch(.init(m: $0, n: n, k: k, transposeB: transposeB))
          }
          #expect(rises, "\(n) \(k) \(transposeB)")
        }
      }
    }
  }

  /// Gradients of weights, whose sums run over samples.
  @Test(arguments: KernelSelection.available) func fewerProductsPerSum(_ set: InstructionSet)
    throws
  {
    let table = try kernels(set)
    for m in [1, 10, 127, 128, 700, 3000] {
      for n in [1, 10, 12, 13, 512, 8192, 9000] {
        func need(_ k: Int, add: Bool) -> Int {
          table.matrixProductScratch(.init(m: m, n: n, k: k, transposeA: true, accumulate: add))
        }
        #expect(rises { need($0, add: false) }, "\(m) \(n)")
        #expect(Self.counts.allSatisfy { need($0, add: false) == need($0, add: true) })
      }
    }
  }

  @Test(arguments: KernelSelection.available) func sequencesOfFewerSamples(_ set: InstructionSet)
    throws
  {
    let table = try kernels(set)
    for var shape in Self.recurrentShapes {
      for need in [table.recurrentScratch, table.recurrentKept] {
        let rises = rises {
          shape.samples = $0
          return need(shape)
        }
        #expect(rises, "\(shape)")
      }
    }
    for causal in [false, true] {
      let rises = rises {
        table.attentionScratch(
          .init(samples: $0, length: 100, heads: 3, headWidth: 20, causal: causal))
      }
      #expect(rises)
    }
  }

  @Test(arguments: KernelSelection.available) func convolutionsOfFewerImages(_ set: InstructionSet)
    throws
  {
    let table = try kernels(set)
    for var shape in ConvolutionTests.shapes + WinogradTests.shapes {
      for method in ConvolutionMethod.allCases where shape.supports(method) {
        shape.method = method
        let rises = rises {
          shape.batch = $0
          return table.convolutionScratch(shape)
        }
        #expect(rises, "\(shape)")
        for direction in ConvolutionDirection.allCases {
          let prepared = [0, 1, 300].map {
            shape.batch = $0
            return table.convolutionPreparedCount(shape, direction)
          }
          #expect(Set(prepared).count == 1, "\(shape)")
        }
      }
    }
  }

  // What follows runs kernels within the scratch of a larger call, with the same result as within
  // their own.

  @Test(arguments: vectorSets) func smallerProductsFit(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(111)
    func run(_ largest: MatrixProductShape, _ shapes: [MatrixProductShape]) {
      let a = Guarded(largest.m * largest.k, &numbers)
      let b = Guarded(largest.n * largest.k, &numbers)
      let scratch = Guarded(table.matrixProductScratch(largest))
      for shape in shapes {
        let own = Guarded(table.matrixProductScratch(shape))
        let (c, expected) = (Guarded(shape.m * shape.n), Guarded(shape.m * shape.n))
        for (c, scratch) in [(c, scratch), (expected, own)] {
          table.matrixProduct(
            shape, a: a.values, b: b.values, bias: nil, c: c.out, scratch: scratch.out)
        }
        #expect(identical(c, expected) && c.intact && scratch.intact, "\(shape) of \(largest)")
      }
    }
    for (n, k) in [(3, 1100), (10, 1024), (40, 300), (700, 20)] {
      for transposeB in [false, true] {
        func shape(_ m: Int) -> MatrixProductShape {
          MatrixProductShape(m: m, n: n, k: k, transposeB: transposeB)
        }
        run(shape(1030), [1, 2, 13, 40, 256, 257, 1024, 1029].map(shape))
      }
    }
    for (m, n) in [(40, 10), (128, 10), (700, 40), (30, 2000)] {
      func shape(_ k: Int) -> MatrixProductShape {
        MatrixProductShape(m: m, n: n, k: k, transposeA: true)
      }
      run(shape(300), [1, 5, 31, 32, 33, 64, 255, 256, 257].map(shape))
    }
  }

  @Test(arguments: vectorSets) func fewerSamplesFit(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(112)
    for var shape in Self.recurrentShapes where shape.length <= 40 {
      for (planned, counts) in [(64, [1, 3, 33, 43, 63]), (129, [1, 64, 65, 128])] {
        var largest = shape
        largest.samples = planned
        for samples in counts {
          shape.samples = samples
          let layer = RecurrentLayer(shape, &numbers)
          let own = layer.copy()
          layer.run(table, planned: largest)
          own.run(table)
          #expect(zip(layer.gradients, own.gradients).allSatisfy { identical($0, $1) }, "\(shape)")
        }
      }
    }
  }

  @Test(arguments: vectorSets) func fewerImagesFit(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(113)
    for var shape in ConvolutionTests.shapes + WinogradTests.shapes
    where shape.weightCount < 50_000 && shape.outputCount > 0 {
      for method in ConvolutionMethod.allCases where shape.supports(method) {
        (shape.method, shape.batch) = (method, 5)
        let calls = ConvolutionCalls(table, shape)
        let x = Guarded(shape.inputCount * 5, &numbers), w = Guarded(shape.weightCount, &numbers)
        let dy = Guarded(shape.outputCount * 5, &numbers)
        func run(_ calls: ConvolutionCalls) -> [Guarded] {
          let (y, dx, dw) = (dy.copy(), x.copy(), w.copy())
          calls.forward(x, w, bias: nil, relu: false, y: y)
          calls.backwardData(dy, w, dx: dx, add: false)
          calls.backwardWeights(x, dy, dw: dw, dbias: nil, add: false)
          #expect(y.intact && dx.intact && dw.intact && calls.intact, "\(shape)")
          return [y, dx, dw]
        }
        for images in [1, 2, 4] {
          shape.batch = images
          let (results, own) = (run(calls.with(images)), run(ConvolutionCalls(table, shape)))
          #expect(zip(results, own).allSatisfy { identical($0, $1) }, "\(shape)")
        }
      }
    }
  }
}
