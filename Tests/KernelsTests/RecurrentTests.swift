import Kernels
import Testing

@Suite struct RecurrentTests {
  static let forms = RecurrentCell.allCases.flatMap { [($0, false), ($0, true)] }

  /// States 3e-6; gradients 2e-5 of the larger of 1 and the expected magnitude.
  @Test(arguments: vectorSets, forms)
  func matchesTheReference(_ set: InstructionSet, _ form: (RecurrentCell, Bool)) throws {
    let table = try kernels(set)
    var numbers = Numbers(101)
    for (samples, length, inputs, hidden) in [
      (1, 1, 1, 1), (2, 1, 3, 5), (5, 7, 4, 5), (3, 33, 20, 16), (14, 3, 65, 100), (2, 7, 33, 128),
      (70, 2, 5, 17), (150, 2, 3, 9),
    ] {
      let shape = RecurrentShape(
        cell: form.0, samples: samples, length: length, inputs: inputs, hidden: hidden,
        symbols: form.1 ? 65 : 0)
      let layer = RecurrentLayer(shape, &numbers)
      let (expected, again) = (layer.copy(), layer.copy())
      layer.run(table)
      expected.run(ScalarKernels.self)
      again.run(table)
      #expect(distance(layer.h, expected.h) < 3e-6, "\(shape)")
      for (i, (a, b)) in zip(layer.gradients, expected.gradients).enumerated() {
        #expect(distance(a, b) < 2e-5, "gradient \(i) of \(shape)")
      }
      #expect(zip(layer.gradients, again.gradients).allSatisfy { identical($0, $1) }, "\(shape)")
    }
  }

  @Test(arguments: KernelSelection.available, forms)
  func theInputsGradientMayBeLeftOut(_ set: InstructionSet, _ form: (RecurrentCell, Bool)) throws {
    var numbers = Numbers(102)
    let shape = RecurrentShape(
      cell: form.0, samples: 3, length: 4, inputs: 6, hidden: 20, symbols: form.1 ? 7 : 0)
    let layer = RecurrentLayer(shape, &numbers)
    let other = layer.copy()
    layer.run(try kernels(set))
    other.run(try kernels(set), wantsInput: false)
    #expect(zip(layer.gradients, other.gradients).dropFirst().allSatisfy { identical($0, $1) })
    #expect((0..<other.dx.count).allSatisfy { other.dx[$0].isNaN })
  }

  @Test(arguments: vectorSets, RecurrentCell.allCases)
  func samplesAreIndependent(_ set: InstructionSet, _ cell: RecurrentCell) throws {
    let table = try kernels(set)
    var numbers = Numbers(103)
    let shape = RecurrentShape(cell: cell, samples: 14, length: 5, inputs: 30, hidden: 40)
    let layer = RecurrentLayer(shape, &numbers)
    layer.run(table)
    var one = shape
    one.samples = 1
    for sample in [0, 11, 13] {
      let (x, dh) = (Guarded(5 * 30), Guarded(5 * 40))
      for i in 0..<x.count { x[i] = layer.x[sample * x.count + i] }
      for i in 0..<dh.count { dh[i] = layer.dh[sample * dh.count + i] }
      let single = RecurrentLayer(
        one, x: x, wi: layer.wi, wh: layer.wh, bi: layer.bi, bh: layer.bh, dh: dh)
      single.run(table)
      #expect((0..<dh.count).allSatisfy { single.h[$0] == layer.h[sample * dh.count + $0] })
      #expect((0..<x.count).allSatisfy { single.dx[$0] == layer.dx[sample * x.count + $0] })
    }
  }

  /// Without samples or tokens there is no gradient, and what lay there is overwritten.
  @Test(arguments: KernelSelection.available, forms)
  func nothingGivesZeros(_ set: InstructionSet, _ form: (RecurrentCell, Bool)) throws {
    var numbers = Numbers(104)
    for (samples, length) in [(0, 3), (3, 0)] {
      let layer = RecurrentLayer(
        RecurrentShape(
          cell: form.0, samples: samples, length: length, inputs: 6, hidden: 20,
          symbols: form.1 ? 7 : 0), &numbers)
      layer.run(try kernels(set))
      for gradient in layer.gradients {
        #expect((0..<gradient.count).allSatisfy { gradient[$0] == 0 })
      }
    }
  }

  /// Gates wide open and shut, and a NaN that stays in its sample.
  @Test(arguments: KernelSelection.available, RecurrentCell.allCases)
  func extremes(_ set: InstructionSet, _ cell: RecurrentCell) throws {
    var numbers = Numbers(105)
    let shape = RecurrentShape(cell: cell, samples: 3, length: 4, inputs: 2, hidden: 6)
    let layer = RecurrentLayer(shape, &numbers)
    for i in 0..<layer.x.count { layer.x[i] *= 1000 }
    layer.run(try kernels(set))
    #expect((0..<layer.h.count).allSatisfy { abs(layer.h[$0]) <= 1 })
    #expect((0..<layer.dwi.count).allSatisfy { layer.dwi[$0].isFinite })
    layer.x[9] = .nan  // Second sample, first token.
    layer.run(try kernels(set))
    for i in 0..<layer.h.count { #expect(layer.h[i].isNaN == (i / 24 == 1)) }
  }

  @Test func tokensMustBeSymbols() async throws {
    await #expect(processExitsWith: .failure) {
      let shape = RecurrentShape(
        cell: .lstm, samples: 1, length: 2, inputs: 1, hidden: 1, symbols: 3)
      let embedding = Guarded(3)
      [0, 3].withUnsafeBufferPointer {
        shape.check(.tokens($0.baseAddress!, embedding: embedding.values))
      }
    }
    await #expect(processExitsWith: .failure) {
      let x = Guarded(2)
      RecurrentShape(cell: .gru, samples: 1, length: 2, inputs: 1, hidden: 1, symbols: 3)
        .check(.dense(x.values))
    }
  }
}
