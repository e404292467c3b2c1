// Gradients of a recurrent layer's weights, biases and embedding; see RecurrentBackward.swift.

import CSIMD
import KernelABI

extension RecurrentBackward {
  /// Adds the part of the first `count` collected rows.
  func addWeightGradients(_ count: Int, isFirst: Bool) {
    add(
      count, of: shape.collected, FloatsIn(before), shape.hidden, FloatsIn(dsums),
      { shape.cell.statePlace($0) }, dstate, add: !isFirst)
    guard case .dense = input else { return }
    add(
      count, of: shape.collected, FloatsIn(x), shape.inputs, FloatsIn(dsums), { $0 }, dinputs,
      add: !isFirst)
  }

  /// c (+)= a^T gradients of sums over `count` of `rows` rows, for packed weights of `columns` rows.
  ///
  /// - Parameters:
  ///   - a: (rows, columns) in panels.
  ///   - b: gradients, [unit panel][place][row][lane].
  private func add(
    _ count: Int, of rows: Int, _ a: FloatsIn, _ columns: Int, _ b: FloatsIn,
    _ place: (Int) -> Int, _ c: FloatsOut, add: Bool
  ) {
    for first in stride(from: 0, to: count, by: recurrentDepth) {
      for unit in 0..<shape.units {
        for gate in 0..<shape.cell.gates {
          for panel in 0..<panels(columns) {
            var task = PanelTask(
              count: min(recurrentDepth, count - first),
              transposed: a + (panel * rows + first) * wide,
              b: b + ((unit * 4 + place(gate)) * rows + first) * wide,
              c: c + (shape.weightPanel(unit, gate, columns) + panel * wide * wide),
              add: add || first > 0)
            runPanels(
              Partition(panelColumns(columns, panel), largest: tileRows),
              columns: panelColumns(shape.hidden, unit), &task)
          }
        }
      }
    }
  }

  /// Gradients of input weights and embedding from the table's, and everything to its place.
  func finish(isEmpty: Bool) {
    if isEmpty {
      dstate.update(
        repeating: 0,
        count: shape.packedWeights(shape.hidden) + shape.packedWeights(shape.inputs))
    }
    if case .tokens(_, let embedding) = input {
      let symbols = shape.symbols
      packPanels(symbols, shape.inputs, embedding, shape.inputs, x, panelStep: symbols * wide)
      add(
        symbols, of: symbols, FloatsIn(x), shape.inputs, FloatsIn(dtable), { $0 }, dinputs,
        add: false)
      if let gradient = gradients.x {
        for panel in 0..<shape.inputPanels {
          multiply(
            Partition(symbols, largest: tileRows), FloatsIn(dtable), symbols, FloatsIn(inputs),
            panel, shape.inputs, { $0 }, dx + panel * symbols * wide, add: false)
        }
        unpackPanels(
          symbols, shape.inputs, FloatsIn(dx), panelStep: symbols * wide, gradient, shape.inputs)
      }
    }
    for unit in 0..<shape.units {
      let columns = panelColumns(shape.hidden, unit)
      for gate in 0..<shape.cell.gates {
        let first = gate * shape.hidden + unit * wide
        func unpack(_ rows: Int, _ from: FloatsOut, _ to: FloatsOut) {
          unpackPanels(
            rows, columns, FloatsIn(from + shape.weightPanel(unit, gate, rows)), panelStep: 0,
            to + first, shape.gateCount)
        }
        unpack(shape.hidden, dstate, gradients.hidden)
        unpack(shape.inputs, dinputs, gradients.input)
        let bias = dbias + unit * 4 * wide
        (bias + gate * wide).wide.store(gradients.inputBias + first, columns)
        (bias + shape.cell.statePlace(gate) * wide).wide.store(
          gradients.hiddenBias + first, columns)
      }
    }
  }
}
