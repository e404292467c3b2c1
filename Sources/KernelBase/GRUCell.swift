// The GRU's function at one token (Cho et al. 2014, PyTorch's form): r, z = sigmoid of the sums;
// n = tanh(input part + r s), s the state's part of the new gate with its bias;
// h' = (1 - z) n + z h.

import KernelABI

/// Keeps r, z, n, s. In two turns, as in `lstmForward`.
func gruForward(_ step: ForwardStep, _ row: (Int) -> Int) {
  forEachRows(
    step.samples, { openGates(TwoRows.self, step, $0, row) },
    { openGates(Wide.self, step, $0, row) })
  forEachRows(
    step.samples, { update(TwoRows.self, step, $0, row) }, { update(Wide.self, step, $0, row) })
}

@inline(__always)
private func openGates<V: Rows>(
  _ rows: V.Type, _ step: ForwardStep, _ sample: Int, _ row: (Int) -> Int
) {
  let (r, z) = sigmoids(
    step.sums(V.self, sample, 0, row), step.sums(V.self, sample, 1, row))
  step.keep(sample, 0, r)
  step.keep(sample, 1, z)
}

@inline(__always)
private func update<V: Rows>(
  _ rows: V.Type, _ step: ForwardStep, _ sample: Int, _ row: (Int) -> Int
) {
  let s = step.sums(V.self, sample, 3, row)
  let n = hyperbolicTangent(
    V.fma(step.kept(V.self, sample, 0), s, step.sums(V.self, sample, 2, row)))
  step.keep(sample, 2, n)
  step.keep(sample, 3, s)
  let difference = V.subtract(V.load(step.before, row: sample), n)
  step.write(sample, V.fma(step.kept(V.self, sample, 1), difference, n))
}

/// dz = dh (h - n) z (1 - z); dn = dh (1 - z) (1 - n^2) for the input part, ds = dn r for the
/// state's; dr = dn s r (1 - r); dh of the token before = dh z, to which the products are added.
func gruBackward(_ step: BackwardStep) {
  let one = Wide(repeating: 1)
  for sample in 0..<step.samples {
    let (r, z) = (step.gate(sample, 0), step.gate(sample, 1))
    let (n, s) = (step.gate(sample, 2), step.gate(sample, 3))
    let dh = step.dh(sample)
    Wide.multiply(dh, z).store(step.dstate, row: sample)
    let dn = Wide.multiply(
      Wide.multiply(dh, Wide.subtract(one, z)), Wide.subtract(one, Wide.multiply(n, n)))
    step.write(sample, 0, Wide.multiply(Wide.multiply(dn, s), slope(r)))
    let difference = Wide.subtract(Wide.load(step.before, row: sample), n)
    step.write(sample, 1, Wide.multiply(Wide.multiply(dh, difference), slope(z)))
    step.write(sample, 2, dn)
    step.write(sample, 3, Wide.multiply(dn, r))
  }
}
