// Recurrent layers over whole sequences, time outermost: at each token the states of all samples,
// (samples, hidden), meet the weights, and a cell's function is applied to each panel of units as
// soon as the sums of its gates are complete, while they are in the first-level cache. Where the
// input is tokens, its part of the sums is a row of (embedding W + biases), computed once for all
// symbols and looked up: exact, and half of the operations are gone.

import CSIMD
import KernelABI

extension RecurrentShape {
  /// Floats of weights, table, two states, and an input token or the embedding.
  fileprivate var forwardScratch: Int {
    packedWeights(hidden) + packedWeights(inputs) + 4 * units * tableRows * wide
      + 2 * units * panel + inputPanels * max(samples, symbols) * wide + packingSlack
  }
}

extension VectorKernels {
  /// Gates of all tokens, in panels.
  public static func recurrentKept(_ shape: RecurrentShape) -> Int {
    shape.length * shape.keptStep
  }

  /// The larger of both passes'.
  public static func recurrentScratch(_ shape: RecurrentShape) -> Int {
    max(shape.forwardScratch, shape.backwardScratch)
  }

  /// 2 gates hidden (hidden + inputs) operations per token, or without the inputs where it is
  /// tokens, and 5 (LSTM) or 3 (GRU) exponentials per unit.
  public static func recurrentForward(
    _ shape: RecurrentShape, _ input: RecurrentInput, _ weights: RecurrentWeights, h: FloatsOut,
    kept: FloatsOut, scratch: FloatsOut
  ) {
    shape.check(input)
    guard shape.samples > 0 && shape.length > 0 else { return }
    let pass = RecurrentForward(shape, input, weights, h, kept, scratch)
    for token in 0..<shape.length { pass.run(token) }
  }
}

/// The forward pass.
private struct RecurrentForward {
  let shape: RecurrentShape
  let input: RecurrentInput
  let h, kept: FloatsOut
  /// Weights in panels; what is added to the sums, [unit panel][place][table row][lane].
  let state, inputs, table: FloatsOut
  /// States before and after an even token, [unit panel][sample][lane]; the other way round at odd
  /// ones.
  let even, odd: FloatsOut
  /// One input token of all samples, or the embedding, in panels.
  let x: FloatsOut
  let rows: Partition

  init(
    _ shape: RecurrentShape, _ input: RecurrentInput, _ weights: RecurrentWeights, _ h: FloatsOut,
    _ kept: FloatsOut, _ scratch: FloatsOut
  ) {
    (self.shape, self.input, self.h, self.kept) = (shape, input, h, kept)
    state = scratch
    inputs = state + shape.packedWeights(shape.hidden)
    table = inputs + shape.packedWeights(shape.inputs)
    even = table + 4 * shape.units * shape.tableRows * wide
    odd = even + shape.units * shape.panel
    x = odd + shape.units * shape.panel
    rows = Partition(shape.samples, largest: tileRows)
    shape.packWeights(shape.hidden, weights.hidden, state)
    shape.packWeights(shape.inputs, weights.input, inputs)
    even.update(repeating: 0, count: shape.units * shape.panel)
    fillTable(weights)
  }

  /// The biases and, for tokens, the embedding's part of the sums.
  private func fillTable(_ weights: RecurrentWeights) {
    let (symbols, gates) = (shape.tableRows, shape.cell.gates)
    if case .tokens(_, let embedding) = input {
      packPanels(
        symbols, shape.inputs, embedding, shape.inputs, x, panelStep: symbols * wide)
    }
    for unit in 0..<shape.units {
      let columns = panelColumns(shape.hidden, unit)
      func place(_ place: Int) -> FloatsOut { table + (unit * 4 + place) * symbols * wide }
      place(0).update(repeating: 0, count: 4 * symbols * wide)
      for gate in 0..<gates {
        if case .tokens = input {
          multiplyPanel(
            Partition(symbols, largest: tileRows), columns: columns, count: shape.inputs,
            FloatsIn(x), aPanel: symbols * wide,
            FloatsIn(inputs + shape.weightPanel(unit, gate, shape.inputs)), place(gate), add: false)
        }
        let first = gate * shape.hidden + unit * wide
        for row in 0..<symbols {
          let (own, other) = (
            place(gate) + row * wide, place(shape.cell.statePlace(gate)) + row * wide
          )
          own.wide = csimd_add(own.wide, Wide.load(weights.inputBias + first, columns))
          other.wide = csimd_add(other.wide, Wide.load(weights.hiddenBias + first, columns))
        }
      }
    }
  }

  /// One token of all samples.
  func run(_ token: Int) {
    let (before, after) = token & 1 == 0 ? (even, odd) : (odd, even)
    var isDense = false
    if case .dense(let from) = input {
      isDense = true
      packPanels(
        shape.samples, shape.inputs, from + token * shape.inputs, shape.length * shape.inputs, x,
        panelStep: shape.panel)
    }
    for unit in 0..<shape.units {
      let columns = panelColumns(shape.hidden, unit)
      let sums = kept + (token * shape.keptStep + unit * 4 * shape.panel)
      for gate in 0..<shape.cell.gates {
        let (own, other) = (gate, shape.cell.statePlace(gate))
        if isDense {
          multiplyPanel(
            rows, columns: columns, count: shape.inputs, FloatsIn(x), aPanel: shape.panel,
            FloatsIn(inputs + shape.weightPanel(unit, gate, shape.inputs)),
            sums + own * shape.panel, add: false)
        } else if own != other {
          (sums + own * shape.panel).update(repeating: 0, count: shape.panel)
        }
        if token > 0 {
          multiplyPanel(
            rows, columns: columns, count: shape.hidden, FloatsIn(before), aPanel: shape.panel,
            FloatsIn(state + shape.weightPanel(unit, gate, shape.hidden)),
            sums + other * shape.panel, add: isDense && own == other,
            ahead: ahead(token, unit, gate))
        } else if !isDense || own != other {
          (sums + other * shape.panel).update(repeating: 0, count: shape.panel)
        }
      }
      apply(token, unit, FloatsIn(before), after)
    }
  }

  /// What will be written and read soon, and comes from far away.
  private func ahead(_ token: Int, _ unit: Int, _ gate: Int) -> LinesAhead {
    let gates = FloatsIn(kept + (token * shape.keptStep + (unit * 4 + gate + 1) * shape.panel))
    var lines = LinesAhead(
      first: gates, second: gates, firstStep: wide, secondStep: wide, rows: shape.samples)
    switch (gate, input) {
    case (0, _):
      lines.second =
        FloatsIn(kept) + (token * shape.keptStep + (4 * shape.units + unit) * shape.panel)
    case (1, _):
      lines.second = FloatsIn(h) + (token * shape.hidden + unit * wide)
      lines.secondStep = shape.length * shape.hidden
    case (_, .dense(let x)):
      // As if there were as many panels of inputs as of units.
      lines.second = x + ((token + 1) * shape.inputs + unit * wide)
      lines.secondStep = shape.length * shape.inputs
    default: break
    }
    return lines
  }

  /// The cell's function, for a panel of units.
  private func apply(_ token: Int, _ unit: Int, _ before: FloatsIn, _ after: FloatsOut) {
    let cells = kept + (token * shape.keptStep + (4 * shape.units + unit) * shape.panel)
    let panel = unit * shape.panel
    let step = ForwardStep(
      samples: shape.samples, columns: panelColumns(shape.hidden, unit),
      gates: kept + (token * shape.keptStep + unit * 4 * shape.panel), gateStep: shape.panel,
      table: FloatsIn(table + unit * 4 * shape.tableRows * wide),
      tableStep: shape.tableRows * wide, before: before + panel, after: after + panel,
      cellsBefore: token == 0 ? before + panel : FloatsIn(cells - shape.keptStep), cells: cells,
      h: h + (token * shape.hidden + unit * wide), hStep: shape.length * shape.hidden)
    func row(_ sample: Int) -> Int {
      guard case .tokens(let tokens, _) = input else { return 0 }
      return Int(tokens[sample &* shape.length &+ token])
    }
    switch shape.cell {
    case .lstm: lstmForward(step, row)
    case .gru: gruForward(step, row)
    }
  }
}
