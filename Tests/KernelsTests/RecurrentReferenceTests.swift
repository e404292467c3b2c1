// Recurrent layers against their definition, written down a second time, and against PyTorch.

import Foundation
import Kernels
import Testing

@Suite struct RecurrentReferenceTests {
  /// Recurrent layers once more, in doubles; the reference against their differences: 3e-6.
  @Test(arguments: RecurrentTests.forms) func referenceMatchesDifferences(
    _ form: (RecurrentCell, Bool)
  ) {
    var numbers = Numbers(106)
    let shape = RecurrentShape(
      cell: form.0, samples: 2, length: 3, inputs: 2, hidden: 3, symbols: form.1 ? 4 : 0)
    let layer = RecurrentLayer(shape, &numbers)
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
    _ layer: RecurrentLayer, _ x: [Double], _ wi: [Double], _ wh: [Double], _ bi: [Double],
    _ bh: [Double]
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
    let layer = RecurrentLayer(
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
}
