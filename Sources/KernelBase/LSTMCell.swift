// The LSTM's function at one token (Hochreiter and Schmidhuber 1997, with forget gates; PyTorch's
// form): i, f, o = sigmoid, g = tanh of the sums; c' = f c + i g; h' = o tanh(c').

import KernelABI

/// Keeps i, f, g, o and c'. In three turns: all of a row's functions one behind the other would be
/// more than the processor looks ahead.
func lstmForward(_ step: ForwardStep, _ row: (Int) -> Int) {
  forEachRows(
    step.samples, { openInputAndForget(TwoRows.self, step, $0, row) },
    { openInputAndForget(Wide.self, step, $0, row) })
  forEachRows(
    step.samples, { openCellAndOutput(TwoRows.self, step, $0, row) },
    { openCellAndOutput(Wide.self, step, $0, row) })
  forEachRows(step.samples, { update(TwoRows.self, step, $0) }, { update(Wide.self, step, $0) })
}

@inline(__always)
private func openInputAndForget<V: Rows>(
  _ rows: V.Type, _ step: ForwardStep, _ sample: Int, _ row: (Int) -> Int
) {
  let (i, f) = sigmoids(
    step.sums(V.self, sample, 0, row), step.sums(V.self, sample, 1, row))
  step.keep(sample, 0, i)
  step.keep(sample, 1, f)
}

@inline(__always)
private func openCellAndOutput<V: Rows>(
  _ rows: V.Type, _ step: ForwardStep, _ sample: Int, _ row: (Int) -> Int
) {
  // One division for both; see `sigmoids`.
  let (p, q) = hyperbolicTangentParts(step.sums(V.self, sample, 2, row))
  let d = sigmoidDenominator(step.sums(V.self, sample, 3, row), lowest: -43)
  let reciprocal = V.divide(V(repeating: 1), V.multiply(d, q))
  step.keep(sample, 2, V.multiply(p, V.multiply(reciprocal, d)))
  step.keep(sample, 3, V.multiply(reciprocal, q))
}

@inline(__always)
private func update<V: Rows>(_ rows: V.Type, _ step: ForwardStep, _ sample: Int) {
  let increment = V.multiply(step.kept(V.self, sample, 0), step.kept(V.self, sample, 2))
  let cell = V.fma(
    step.kept(V.self, sample, 1), V.load(step.cellsBefore, row: sample), increment)
  cell.store(step.cells, row: sample)
  step.write(sample, V.multiply(step.kept(V.self, sample, 3), hyperbolicTangent(cell)))
}

/// With t = tanh(c') and dc' complete: do = dh t o (1 - o); dc' += dh o (1 - t^2);
/// di = dc' g i (1 - i); df = dc' c f (1 - f); dg = dc' i (1 - g^2); dc = dc' f.
func lstmBackward(_ step: BackwardStep) {
  let one = Wide(repeating: 1)
  for sample in 0..<step.samples {
    let (i, f) = (step.gate(sample, 0), step.gate(sample, 1))
    let (g, o) = (step.gate(sample, 2), step.gate(sample, 3))
    let t = hyperbolicTangent(Wide.load(step.cells, row: sample))
    let dh = step.dh(sample)
    let dcell = Wide.fma(
      Wide.multiply(dh, o), Wide.subtract(one, Wide.multiply(t, t)),
      Wide.load(FloatsIn(step.dcells), row: sample))
    Wide.multiply(dcell, f).store(step.dcells, row: sample)
    let before = Wide.load(step.cellsBefore, row: sample)
    step.write(sample, 0, Wide.multiply(Wide.multiply(dcell, g), slope(i)))
    step.write(sample, 1, Wide.multiply(Wide.multiply(dcell, before), slope(f)))
    step.write(
      sample, 2,
      Wide.multiply(Wide.multiply(dcell, i), Wide.subtract(one, Wide.multiply(g, g))))
    step.write(sample, 3, Wide.multiply(Wide.multiply(dh, t), slope(o)))
  }
}

/// The sigmoid's derivative, from its value.
@inline(__always)
func slope(_ y: Wide) -> Wide { Wide.multiply(y, Wide.subtract(Wide(repeating: 1), y)) }
