// Matrices into panels and back; see Panels.swift.

import KernelABI

/// Copies a matrix of `rows` x `columns` into panels that lie `panelStep` floats apart.
func packPanels(
  _ rows: Int, _ columns: Int, _ from: FloatsIn, _ step: Int, _ to: FloatsOut, panelStep: Int
) {
  for panel in 0..<panels(columns) {
    let (lanes, lines) = (panelColumns(columns, panel), to + panel * panelStep)
    var source = from + panel * wide
    guard lanes == wide else {
      packColumns(lanes, rows, source, step, lines, wide)
      continue
    }
    for row in 0..<rows {
      (lines + row &* wide).wide = source.wide
      source += step
    }
  }
}

/// Copies panels that lie `panelStep` floats apart to a matrix of `rows` x `columns`.
func unpackPanels(
  _ rows: Int, _ columns: Int, _ from: FloatsIn, panelStep: Int, _ to: FloatsOut, _ step: Int
) {
  for panel in 0..<panels(columns) {
    let (lanes, lines) = (panelColumns(columns, panel), from + panel * panelStep)
    var target = to + panel * wide
    for row in 0..<rows {
      let line = (lines + row &* wide).wide
      if lanes == wide { target.wide = line } else { line.store(target, lanes) }
      target += step
    }
  }
}

/// Copies the transpose of a matrix of `rows` x `columns`, (columns x rows), into panels that lie
/// `panelStep` floats apart.
func packTransposedPanels(
  _ rows: Int, _ columns: Int, _ from: FloatsIn, _ step: Int, _ to: FloatsOut, panelStep: Int
) {
  for panel in 0..<panels(rows) {
    let (lanes, lines) = (panelColumns(rows, panel), to + panel * panelStep)
    packTransposed(lanes, columns, from + panel * wide * step, step, lines, wide)
    guard lanes < wide else { continue }
    for p in 0..<columns {
      (lines + (p &* wide &+ lanes)).update(repeating: 0, count: wide &- lanes)
    }
  }
}

/// Copies `rows` (1...wide) x `columns` into one vector's panels, [panel][row][lane], with zeros for
/// missing rows, and their transpose to `transposed`, (columns rounded up to fours, lane).
func packVector(
  _ rows: Int, _ columns: Int, _ from: FloatsIn, _ step: Int, _ to: FloatsOut, panelStep: Int,
  transposed: FloatsOut
) {
  packPanels(rows, columns, from, step, to, panelStep: panelStep)
  for panel in 0..<panels(columns) {
    let lines = to + panel * panelStep
    for row in rows..<wide { (lines + row &* wide).wide = Wide() }
    transposePanel(
      panelColumns(columns, panel), FloatsIn(lines), transposed + panel * wide * wide)
  }
}
