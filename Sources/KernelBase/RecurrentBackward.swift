// Backpropagation through time. At each token, last first, the gradients of the gates' sums are
// computed in panels, in which they serve as they are for three products: with the weights
// transposed they give the gradient of the state before and of the input; below the states and
// inputs of some tokens they give the gradients of the weights, before they leave the second-level
// cache. Where the input is tokens, they are added up per symbol, and two small products at the end
// give the gradients of input weights and embedding.

import CSIMD
import KernelABI

extension RecurrentShape {
  /// Tokens whose gradients are collected before they meet the weights' gradients.
  var tokens: Int { max(1, min(length, recurrentDepth / max(samples, 1))) }
  /// Rows of them.
  var collected: Int { tokens * samples }

  /// Floats of weights, transposed, and their gradients; of gate gradients, states and inputs of
  /// some tokens; of gradients of state, cells, biases, of the input or embedding; of the table's.
  var backwardScratch: Int {
    // At least `collected` of this and of fewer samples, which may collect more rows.
    let collected = max(samples, min(recurrentDepth, samples * length))
    let sources = inputPanels * max(collected, symbols) * wide
    return units * gateCount * wide + inputPanels * gateCount * wide + packedWeights(hidden)
      + packedWeights(inputs) + 5 * units * collected * wide + 2 * units * panel + 4 * units * wide
      + sources + inputPanels * max(samples, symbols) * wide + 4 * units * symbols * wide
      + packingSlack
  }
}

extension VectorKernels {
  /// Twice the operations of the forward pass, and an LSTM's tanh of the cells.
  public static func recurrentBackward(
    _ shape: RecurrentShape, _ input: RecurrentInput, _ weights: RecurrentWeights, h: FloatsIn,
    dh: FloatsIn, kept: FloatsIn, gradients: RecurrentGradients, scratch: FloatsOut
  ) {
    shape.check(input)
    let pass = RecurrentBackward(
      shape: shape, input: input, h: h, dh: dh, kept: kept, gradients: gradients, weights, scratch)
    guard shape.samples > 0 && shape.length > 0 else { return pass.finish(isEmpty: true) }
    var (token, slot) = (shape.length - 1, 0)
    var isFirst = true
    while token >= 0 {
      pass.run(token, slot)
      slot += 1
      if slot == shape.tokens || token == 0 {
        pass.addWeightGradients(slot * shape.samples, isFirst: isFirst)
        (slot, isFirst) = (0, false)
      }
      token -= 1
    }
    pass.finish(isEmpty: false)
  }
}

/// The backward pass.
struct RecurrentBackward {
  let shape: RecurrentShape
  let input: RecurrentInput
  let h, dh, kept: FloatsIn
  let gradients: RecurrentGradients
  /// Weights, transposed: (gates * hidden, hidden) and (gates * hidden, inputs).
  let state, inputs: FloatsOut
  /// Their gradients, as the weights of the forward pass are packed.
  let dstate, dinputs: FloatsOut
  /// Gradients of the sums of some tokens, [unit panel][place][row][lane]; the states before them
  /// and the inputs, in panels of the same rows.
  let dsums, before, x: FloatsOut
  /// Gradients of the state and the cells, [unit panel][sample][lane]; of the biases,
  /// [unit panel][place][lane]; of the table, [unit panel][place][symbol][lane].
  let dbefore, dcells, dbias, dtable: FloatsOut
  /// Gradients of one input token, or of the embedding, in panels.
  let dx: FloatsOut

  init(
    shape: RecurrentShape, input: RecurrentInput, h: FloatsIn, dh: FloatsIn, kept: FloatsIn,
    gradients: RecurrentGradients, _ weights: RecurrentWeights, _ scratch: FloatsOut
  ) {
    (self.shape, self.input, self.h, self.dh, self.kept) = (shape, input, h, dh, kept)
    self.gradients = gradients
    var memory = scratch
    func take(_ count: Int) -> FloatsOut {
      defer { memory += count }
      return memory
    }
    state = take(shape.units * shape.gateCount * wide)
    inputs = take(shape.inputPanels * shape.gateCount * wide)
    (dstate, dinputs) = (
      take(shape.packedWeights(shape.hidden)), take(shape.packedWeights(shape.inputs))
    )
    (dsums, before) = (
      take(4 * shape.units * shape.collected * wide), take(shape.units * shape.collected * wide)
    )
    (dbefore, dcells) = (take(shape.units * shape.panel), take(shape.units * shape.panel))
    (dbias, dtable) = (take(4 * shape.units * wide), take(4 * shape.units * shape.symbols * wide))
    x = take(shape.inputPanels * max(shape.collected, shape.symbols) * wide)
    dx = memory
    packTransposedPanels(
      shape.hidden, shape.gateCount, weights.hidden, shape.gateCount, state,
      panelStep: shape.gateCount * wide)
    if gradients.x != nil {
      packTransposedPanels(
        shape.inputs, shape.gateCount, weights.input, shape.gateCount, inputs,
        panelStep: shape.gateCount * wide)
    }
    let zeros = 2 * shape.units * shape.panel + 4 * shape.units * (1 + shape.symbols) * wide
    dbefore.update(repeating: 0, count: zeros)
  }

  /// Everything at one token; its rows are number `slot` of the collected ones.
  func run(_ token: Int, _ slot: Int) {
    let row = slot * shape.samples
    packBefore(token, row)
    for unit in 0..<shape.units { differentiate(token, unit, row) }
    let rows = Partition(shape.samples, largest: tileRows)
    if token > 0 {
      for unit in 0..<shape.units {
        multiply(
          rows, FloatsIn(dsums + row * wide), shape.collected, FloatsIn(state), unit,
          shape.hidden, { shape.cell.statePlace($0) }, dbefore + unit * shape.panel,
          add: shape.cell == .gru, ahead: { ahead(token - 1, unit, $0) })
      }
    }
    switch input {
    case .dense(let from):
      let step = shape.length * shape.inputs
      packPanels(
        shape.samples, shape.inputs, from + token * shape.inputs, step, x + row * wide,
        panelStep: shape.collected * wide)
      guard let gradient = gradients.x else { return }
      for panel in 0..<shape.inputPanels {
        multiply(
          rows, FloatsIn(dsums + row * wide), shape.collected, FloatsIn(inputs), panel,
          shape.inputs, { $0 }, dx + panel * shape.panel, add: false)
      }
      unpackPanels(
        shape.samples, shape.inputs, FloatsIn(dx), panelStep: shape.panel,
        gradient + token * shape.inputs, step)
    case .tokens(let tokens, _): scatter(tokens + token, row)
    }
  }

  /// Packs the states before `token`.
  private func packBefore(_ token: Int, _ row: Int) {
    let panelStep = shape.collected * wide
    guard token == 0 else {
      return packPanels(
        shape.samples, shape.hidden, h + (token - 1) * shape.hidden, shape.length * shape.hidden,
        before + row * wide, panelStep: panelStep)
    }
    for unit in 0..<shape.units {
      (before + (unit * panelStep + row * wide)).update(repeating: 0, count: shape.panel)
    }
  }

  /// The cell's derivative, for a panel of units.
  private func differentiate(_ token: Int, _ unit: Int, _ row: Int) {
    let panelStep = shape.collected * wide
    let gates = kept + (token * shape.keptStep + unit * 4 * shape.panel)
    let cells = kept + (token * shape.keptStep + (4 * shape.units + unit) * shape.panel)
    let before = FloatsIn(before + (unit * panelStep + row * wide))
    let step = BackwardStep(
      samples: shape.samples, columns: panelColumns(shape.hidden, unit), gates: gates,
      gateStep: shape.panel, before: before, cells: cells,
      cellsBefore: token == 0 ? before : cells - shape.keptStep,
      dh: dh + (token * shape.hidden + unit * wide), dhStep: shape.length * shape.hidden,
      dstate: dbefore + unit * shape.panel, dcells: dcells + unit * shape.panel,
      dsums: dsums + (unit * 4 * panelStep + row * wide), dsumStep: panelStep)
    switch shape.cell {
    case .lstm: lstmBackward(step)
    case .gru: gruBackward(step)
    }
    for place in 0..<4 {
      let from = FloatsIn(step.dsums + place * panelStep)
      var sum = Wide()
      for sample in 0..<shape.samples { sum = csimd_add(sum, (from + sample &* wide).wide) }
      let total = dbias + (unit * 4 + place) * wide
      total.wide = csimd_add(total.wide, sum)
    }
  }

  /// c (+)= gradients of sums times transposed weights, panel `panel` of `columns` columns.
  ///
  /// - Parameters:
  ///   - from: gradients, [unit panel][place][row][lane], `count` rows in all.
  ///   - place: where a gate's lie.
  func multiply(
    _ rows: Partition, _ from: FloatsIn, _ count: Int, _ weights: FloatsIn, _ panel: Int,
    _ columns: Int, _ place: (Int) -> Int, _ c: FloatsOut, add: Bool,
    ahead: (Int) -> LinesAhead? = { _ in nil }
  ) {
    for gate in 0..<shape.cell.gates {
      multiplyPanel(
        rows, columns: panelColumns(columns, panel), count: shape.hidden,
        from + place(gate) * count * wide, aPanel: 4 * count * wide,
        weights + (panel * shape.gateCount + gate * shape.hidden) * wide, c, add: add || gate > 0,
        ahead: ahead(gate))
    }
  }

  /// What `token`, the next one, will read and write, a part for each gate of a panel of units.
  private func ahead(_ token: Int, _ unit: Int, _ gate: Int) -> LinesAhead {
    let gates = kept + (token * shape.keptStep + (unit * 4 + gate) * shape.panel)
    var lines = LinesAhead(
      first: gates, second: gates, firstStep: wide, secondStep: wide, rows: shape.samples)
    switch (gate, input) {
    case (0, _):
      lines.second =
        shape.cell == .lstm
        ? kept + (max(0, token - 1) * shape.keptStep + (4 * shape.units + unit) * shape.panel)
        : gates + 3 * shape.panel
    case (1, _):
      lines.second = h + (max(0, token - 1) * shape.hidden + unit * wide)
      lines.secondStep = shape.length * shape.hidden
    case (2, _):
      lines.second = dh + (token * shape.hidden + unit * wide)
      lines.secondStep = shape.length * shape.hidden
    case (_, .dense(let x)):
      // As if there were as many panels of inputs as of units.
      lines.second = x + (token * shape.inputs + unit * wide)
      lines.secondStep = shape.length * shape.inputs
    default: break
    }
    return lines
  }

  /// Adds gradients of sums to the rows of the symbols that caused them.
  private func scatter(_ tokens: UnsafePointer<Int32>, _ row: Int) {
    for panel in 0..<4 * shape.units {
      let from = dsums + (panel &* shape.collected &+ row) &* wide
      let to = dtable + panel &* shape.symbols &* wide
      for sample in 0..<shape.samples {
        let line = to + Int(tokens[sample &* shape.length]) &* wide
        line.wide = csimd_add(line.wide, (from + sample &* wide).wide)
      }
    }
  }
}
