// How recurrent layers lie in panels, for both passes.

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
