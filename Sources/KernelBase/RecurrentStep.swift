// What a cell's function and its derivative see of a recurrent layer: one token of all samples, and
// one panel of units.

import CSIMD
import KernelABI

/// What a cell's function reads and writes.
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
    V.load(FloatsIn(gates + place &* gateStep), row: sample)
  }

  /// Keeps a place's value for the backward pass.
  @inline(__always)
  func keep<V: Rows>(_ sample: Int, _ place: Int, _ value: V) {
    value.store(gates + place &* gateStep, row: sample)
  }

  /// Writes new states.
  @inline(__always)
  func write<V: Rows>(_ sample: Int, _ state: V) {
    state.store(after, row: sample)
    state.forEach { i, row in
      let to = h + (sample &+ i) &* hStep
      if columns == wide { to.wide = row } else { row.store(to, columns) }
    }
  }
}

/// What a cell's derivative reads and writes.
struct BackwardStep {
  var samples: Int
  /// Units that count.
  var columns: Int
  /// What the forward pass kept: four places of (sample, lane); states before; cells.
  var gates: FloatsIn
  var gateStep: Int
  var before, cells, cellsBefore: FloatsIn
  /// Gradients of the states as others see them, and floats from one sample to the next.
  var dh: FloatsIn
  var dhStep: Int
  /// Gradients of states and cells from the token behind; then for the one before.
  var dstate, dcells: FloatsOut
  /// Gradients of the sums: four places of (sample, lane).
  var dsums: FloatsOut
  var dsumStep: Int

  /// What was kept.
  @inline(__always)
  func gate(_ sample: Int, _ place: Int) -> Wide {
    Wide.load(gates + place &* gateStep, row: sample)
  }

  /// The whole gradient of a sample's state.
  @inline(__always)
  func dh(_ sample: Int) -> Wide {
    let from = dh + sample &* dhStep
    let others = columns == wide ? from.wide : Wide.load(from, columns)
    return csimd_add(others, Wide.load(FloatsIn(dstate), row: sample))
  }

  /// Writes the gradient of a sum.
  @inline(__always)
  func write(_ sample: Int, _ place: Int, _ value: Wide) {
    value.store(dsums + place &* dsumStep, row: sample)
  }
}
