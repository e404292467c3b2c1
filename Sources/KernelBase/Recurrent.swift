// Recurrent layers over whole sequences, time outermost: at each token the states of all samples,
// (samples, hidden), meet the weights, and a cell's function is applied to each panel of units as
// soon as the sums of its gates are complete, while they are in the first-level cache. Where the
// input is tokens, its part of the sums is a row of (embedding W + biases), computed once for all
// symbols and looked up: exact, and half of the operations are gone.

import CSIMD
import KernelABI

/// Products of a tile at a time: a panel of this many rows takes half of the first-level cache.
var recurrentDepth: Int { 128 }

extension RecurrentShape {
  /// Panels of the state, and of an input token.
  @inline(__always) var units: Int { panels(hidden) }
  @inline(__always) var inputPanels: Int { panels(inputs) }
  /// Floats of one panel of all samples.
  @inline(__always) var panel: Int { samples &* wide }
  /// Rows of the table of input sums: one per symbol, or just the biases.
  @inline(__always) var tableRows: Int { max(symbols, 1) }
  /// Floats kept per token: four places of each panel of units (activated gates and, of a GRU, the
  /// new gate's state part), and the cells of an LSTM.
  @inline(__always) var keptStep: Int { (cell == .lstm ? 5 : 4) &* units &* panel }
  /// The panel of gate `gate` of unit panel `unit` in packed weights of `rows` rows.
  @inline(__always)
  func weightPanel(_ unit: Int, _ gate: Int, _ rows: Int) -> Int {
    (unit &* cell.gates &+ gate) &* rows &* wide
  }
  /// Floats of weights with `rows` rows, packed.
  func packedWeights(_ rows: Int) -> Int { units * cell.gates * rows * wide }

  /// Packs weights (rows, gates * hidden) so that the gates of a panel of units are neighbours.
  func packWeights(_ rows: Int, _ from: FloatsIn, _ to: FloatsOut) {
    for unit in 0..<units {
      for gate in 0..<cell.gates {
        packPanels(
          rows, panelColumns(hidden, unit), from + (gate * hidden + unit * wide), gateCount,
          to + weightPanel(unit, gate, rows), panelStep: 0)
      }
    }
  }

  /// Floats of weights, table, two states, and an input token or the embedding.
  fileprivate var forwardScratch: Int {
    packedWeights(hidden) + packedWeights(inputs) + 4 * units * tableRows * wide
      + 2 * units * panel + inputPanels * max(samples, symbols) * wide + packingSlack
  }
}

/// c (+)= a b for one panel of c, in pieces that fit the first-level cache; see `PanelTask`.
///
/// - Parameter ahead: what the first piece asks for.
func multiplyPanel(
  _ rows: Partition, columns: Int, count: Int, _ a: FloatsIn, aPanel: Int, _ b: FloatsIn,
  _ c: FloatsOut, add: Bool, ahead: LinesAhead? = nil
) {
  var first = 0
  while first < count {
    var task = PanelTask(
      count: min(recurrentDepth, count - first), a: a + first / wide * aPanel, aPanel: aPanel,
      b: b + first * wide, c: c, add: add || first > 0)
    if let ahead, first == 0 { task.ahead = ahead }
    runPanels(rows, columns: columns, &task)
    first += recurrentDepth
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

/// One token of all samples and one panel of units: what a cell's function reads and writes.
struct ForwardStep {
  var samples: Int
  /// Units that count.
  var columns: Int
  /// Four places of (sample, lane): sums, then what the backward pass needs.
  var gates: FloatsOut
  var gateStep: Int
  /// What is added to the sums: four places of (row, lane).
  var table: FloatsIn
  var tableStep: Int
  /// States and, of an LSTM, cells, before and after: (sample, lane).
  var before: FloatsIn
  var after: FloatsOut
  var cellsBefore: FloatsIn
  var cells: FloatsOut
  /// States for others to see, and floats from one sample to the next.
  var h: FloatsOut
  var hStep: Int

  /// The sums of a place, for samples that use rows `row` of the table.
  @inline(__always)
  func sums<V: Rows>(_ rows: V.Type, _ sample: Int, _ place: Int, _ row: (Int) -> Int) -> V {
    let addend = table + place &* tableStep
    return V.add(kept(V.self, sample, place), V { (addend + row(sample &+ $0) &* wide).wide })
  }

  /// What lies in a place.
  @inline(__always)
  func kept<V: Rows>(_ rows: V.Type, _ sample: Int, _ place: Int) -> V {
    V.load(FloatsIn(gates + place &* gateStep), sample)
  }

  /// Keeps a place's value for the backward pass.
  @inline(__always)
  func keep<V: Rows>(_ sample: Int, _ place: Int, _ value: V) {
    value.store(gates + place &* gateStep, sample)
  }

  /// Writes new states.
  @inline(__always)
  func write<V: Rows>(_ sample: Int, _ state: V) {
    state.store(after, sample)
    state.forEach { i, row in
      let to = h + (sample &+ i) &* hStep
      if columns == wide { to.wide = row } else { row.store(to, columns) }
    }
  }
}
