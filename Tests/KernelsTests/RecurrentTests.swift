import Foundation
import Kernels
import Testing

/// A layer's input, weights and gradients.
private struct Layer {
  let shape: RecurrentShape
  let x, wi, wh, bi, bh, h, dh, dx, dwi, dwh, dbi, dbh: Guarded
  let tokens: [Int32]
  var gradients: [Guarded] { [dx, dwi, dwh, dbi, dbh] }

  /// Random numbers; weights as PyTorch draws them, so that states neither vanish nor saturate.
  init(_ shape: RecurrentShape, _ numbers: inout Numbers) {
    let (columns, scale) = (shape.gateCount, 1 / Float(shape.hidden).squareRoot())
    func random(_ count: Int, _ scale: Float = 1) -> Guarded {
      let values = Guarded(count, &numbers)
      for i in 0..<count { values[i] *= scale }
      return values
    }
    let inputs = shape.symbols > 0 ? shape.symbols : shape.samples * shape.length
    self.init(
      shape, x: random(inputs * shape.inputs), wi: random(shape.inputs * columns, scale),
      wh: random(shape.hidden * columns, scale), bi: random(columns), bh: random(columns),
      dh: random(shape.samples * shape.length * shape.hidden),
      tokens: (0..<shape.samples * shape.length).map { _ in
        Int32(numbers.int(0...max(shape.symbols - 1, 0)))
      })
  }

  init(
    _ shape: RecurrentShape, x: Guarded, wi: Guarded, wh: Guarded, bi: Guarded, bh: Guarded,
    dh: Guarded, tokens: [Int32] = []
  ) {
    (self.shape, self.x, self.wi, self.wh, self.bi, self.bh) = (shape, x, wi, wh, bi, bh)
    (self.dh, self.tokens) = (dh, tokens)
    h = Guarded(dh.count)
    (dx, dwi, dwh) = (Guarded(x.count), Guarded(wi.count), Guarded(wh.count))
    (dbi, dbh) = (Guarded(bi.count), Guarded(bh.count))
  }

  /// Both passes.
  func run(_ table: KernelTable, wantsInput: Bool = true) {
    let kept = Guarded(table.recurrentKept(shape))
    let scratch = Guarded(table.recurrentScratch(shape))
    let weights = RecurrentWeights(
      input: wi.values, hidden: wh.values, inputBias: bi.values, hiddenBias: bh.values)
    tokens.withUnsafeBufferPointer { tokens in
      let input: RecurrentInput =
        shape.symbols > 0
        ? .tokens(tokens.baseAddress!, embedding: x.values) : .dense(x.values)
      table.recurrentForward(
        shape, input, weights, h: h.out, kept: kept.out, scratch: scratch.out)
      for i in 0..<scratch.count { scratch[i] = .nan }
      table.recurrentBackward(
        shape, input, weights, h: h.values, dh: dh.values, kept: kept.values,
        gradients: RecurrentGradients(
          input: dwi.out, hidden: dwh.out, inputBias: dbi.out, hiddenBias: dbh.out,
          x: wantsInput ? dx.out : nil), scratch: scratch.out)
    }
    #expect(([h, kept, scratch] + gradients).allSatisfy { $0.intact }, "\(shape)")
  }

  /// The same layer, not yet run.
  func copy() -> Layer {
    Layer(shape, x: x, wi: wi, wh: wh, bi: bi, bh: bh, dh: dh, tokens: tokens)
  }
}

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
      let layer = Layer(shape, &numbers)
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
    let layer = Layer(shape, &numbers)
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
    let layer = Layer(shape, &numbers)
    layer.run(table)
    var one = shape
    one.samples = 1
    for sample in [0, 11, 13] {
      let (x, dh) = (Guarded(5 * 30), Guarded(5 * 40))
      for i in 0..<x.count { x[i] = layer.x[sample * x.count + i] }
      for i in 0..<dh.count { dh[i] = layer.dh[sample * dh.count + i] }
      let single = Layer(
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
      let layer = Layer(
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
    let layer = Layer(shape, &numbers)
    for i in 0..<layer.x.count { layer.x[i] *= 1000 }
    layer.run(try kernels(set))
    #expect((0..<layer.h.count).allSatisfy { abs(layer.h[$0]) <= 1 })
    #expect((0..<layer.dwi.count).allSatisfy { layer.dwi[$0].isFinite })
    layer.x[9] = .nan  // Second sample, first token.
    layer.run(try kernels(set))
    for i in 0..<layer.h.count { #expect(layer.h[i].isNaN == (i / 24 == 1)) }
  }

  /// Recurrent layers once more, in doubles; the reference against their differences: 3e-6.
  @Test(arguments: forms) func referenceMatchesDifferences(_ form: (RecurrentCell, Bool)) {
    var numbers = Numbers(106)
    let shape = RecurrentShape(
      cell: form.0, samples: 2, length: 3, inputs: 2, hidden: 3, symbols: form.1 ? 4 : 0)
    let layer = Layer(shape, &numbers)
    layer.run(ScalarKernels.self)
    let parts = [layer.x, layer.wi, layer.wh, layer.bi, layer.bh]
    let all = parts.flatMap(\.doubles)
    func h(_ all: [Double]) -> [Double] {
      var rest = all[...]
      let split = parts.map { part -> [Double] in
        defer { rest = rest.dropFirst(part.count) }
        return Array(rest.prefix(part.count))
      }
      return states(layer, split[0], split[1], split[2], split[3], split[4])
    }
    #expect(distance(layer.h, Guarded(h(all))) < 3e-7)
    let expected = Guarded(numericGradient(all) { inner(h($0), layer.dh.doubles) })
    let gradient = Guarded(layer.gradients.flatMap(\.doubles))
    #expect(distance(gradient, expected) < 3e-6)
  }

  private func states(
    _ layer: Layer, _ x: [Double], _ wi: [Double], _ wh: [Double], _ bi: [Double], _ bh: [Double]
  ) -> [Double] {
    let shape = layer.shape
    let (hidden, columns) = (shape.hidden, shape.gateCount)
    func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    var all: [Double] = []
    for sample in 0..<shape.samples {
      var (h, c) = ([Double](repeating: 0, count: hidden), [Double](repeating: 0, count: hidden))
      for time in 0..<shape.length {
        let token = sample * shape.length + time
        let row = shape.symbols > 0 ? Int(layer.tokens[token]) : token
        func input(_ gate: Int, _ j: Int) -> Double {
          let column = gate * hidden + j
          return bi[column]
            + (0..<shape.inputs).reduce(0) {
              $0 + x[row * shape.inputs + $1] * wi[$1 * columns + column]
            }
        }
        let before = h
        func state(_ gate: Int, _ j: Int) -> Double {
          let column = gate * hidden + j
          return bh[column] + (0..<hidden).reduce(0) { $0 + before[$1] * wh[$1 * columns + column] }
        }
        func sum(_ gate: Int, _ j: Int) -> Double { input(gate, j) + state(gate, j) }
        for j in 0..<hidden {
          switch shape.cell {
          case .lstm:
            c[j] = sigmoid(sum(1, j)) * c[j] + sigmoid(sum(0, j)) * tanh(sum(2, j))
            h[j] = sigmoid(sum(3, j)) * tanh(c[j])
          case .gru:
            let z = sigmoid(sum(1, j))
            let n = tanh(input(2, j) + sigmoid(sum(0, j)) * state(2, j))
            h[j] = (1 - z) * n + z * before[j]
          }
        }
        all += h
      }
    }
    return all
  }

  /// Numbers of PyTorch 2.13's nn.LSTM and nn.GRU: states and gradients of input and bias.
  @Test(arguments: KernelSelection.available, RecurrentCell.allCases)
  func matchesPyTorch(_ set: InstructionSet, _ cell: RecurrentCell) throws {
    let shape = RecurrentShape(cell: cell, samples: 2, length: 3, inputs: 2, hidden: 3)
    let layer = Layer(
      shape, x: wave(12, 5), wi: wave(2 * shape.gateCount, 1), wh: wave(3 * shape.gateCount, 2),
      bi: wave(shape.gateCount, 3), bh: wave(shape.gateCount, 4), dh: wave(18, 6))
    layer.run(try kernels(set))
    let expected = cell == .lstm ? Self.lstm : Self.gru
    #expect(distance(layer.h, Guarded(expected.h)) < 6e-7)
    #expect(distance(layer.dx, Guarded(expected.dx)) < 6e-7)
    #expect(distance(layer.dbi, Guarded(expected.dbi)) < 6e-7)
    #expect(distance(layer.dbh, Guarded(expected.dbh)) < 6e-7)
  }

  private typealias Expected = (h: [Double], dx: [Double], dbi: [Double], dbh: [Double])

  private static let lstm: Expected = (
    [
      0.062943, 0.02172787, 0.00101237, 0.1614572, 0.04408286, 0.01382178, 0.2625617, 0.09650671,
      0.03677053, 0.1212618, 0.05703703, 0.02134918, 0.09656197, 0.05003319, 0.01087935, 0.1205931,
      0.0462413, 0.015159,
    ],
    [
      0.007166679, 0.004409348, 0.08152652, -0.008468539, -0.139916, 0.05110124, 0.02473054,
      -0.001691508, 0.05828375, -0.02386402, -0.09086091, 0.02984933,
    ],
    [
      -0.01740617, -0.02361044, -0.01722037, -0.009304525, -0.01588028, -0.004936986, -0.02334611,
      0.008817871, -0.003324393, -0.01979023, -0.02606247, -0.0180666,
    ],
    [
      -0.01740617, -0.02361044, -0.01722037, -0.009304525, -0.01588028, -0.004936986, -0.02334611,
      0.008817871, -0.003324393, -0.01979023, -0.02606247, -0.0180666,
    ]
  )

  private static let gru: Expected = (
    [
      0.6638725, 0.2912291, 0.03459913, 0.5715605, 0.6312533, 0.4047613, 0.2288613, 0.7749457,
      0.7397835, 0.5477484, 0.343915, 0.120029, 0.8878865, 0.6124713, 0.1434326, 0.8576373,
      0.7860255, 0.332101,
    ],
    [
      0.06187481, 0.06363751, -0.2731657, -0.271203, 0.2246292, 0.216821, 0.06363113, 0.06609812,
      -0.05512092, -0.05515786, -0.02993974, -0.03577118,
    ],
    [
      -0.014659, -0.08850063, -0.07245676, -0.01339377, -0.1385587, 0.1585121, -0.2882407,
      -0.2082761, -0.3943687,
    ],
    [
      -0.014659, -0.08850062, -0.07245677, -0.01339377, -0.1385587, 0.1585121, -0.2678088,
      -0.1516016, -0.07429513,
    ]
  )

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
