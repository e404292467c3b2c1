import Kernels
import Testing

/// A layer's input, weights and gradients.
struct RecurrentLayer {
  let shape: RecurrentShape
  let x, wi, wh, bi, bh, h, dh, dx, dwi, dwh, dbi, dbh: Guarded
  let tokens: [Int32]
  var gradients: [Guarded] { [dx, dwi, dwh, dbi, dbh] }

  /// Random numbers; weights as PyTorch draws them, so that states neither vanish nor saturate.
  init(_ shape: RecurrentShape, _ numbers: inout Numbers) {
    let (columns, scale) = (shape.gateCount, 1 / Float(shape.hidden).squareRoot())
    func random(_ count: Int, _ scale: Float = 1) -> Guarded {
      let values = Guarded(count, &numbers)
      for i in 0..<count { values[i] *= scale }
      return values
    }
    let inputs = shape.symbols > 0 ? shape.symbols : shape.samples * shape.length
    self.init(
      shape, x: random(inputs * shape.inputs), wi: random(shape.inputs * columns, scale),
      wh: random(shape.hidden * columns, scale), bi: random(columns), bh: random(columns),
      dh: random(shape.samples * shape.length * shape.hidden),
      tokens: (0..<shape.samples * shape.length).map { _ in
        Int32(numbers.int(0...max(shape.symbols - 1, 0)))
      })
  }

  init(
    _ shape: RecurrentShape, x: Guarded, wi: Guarded, wh: Guarded, bi: Guarded, bh: Guarded,
    dh: Guarded, tokens: [Int32] = []
  ) {
    (self.shape, self.x, self.wi, self.wh, self.bi, self.bh) = (shape, x, wi, wh, bi, bh)
    (self.dh, self.tokens) = (dh, tokens)
    h = Guarded(dh.count)
    (dx, dwi, dwh) = (Guarded(x.count), Guarded(wi.count), Guarded(wh.count))
    (dbi, dbh) = (Guarded(bi.count), Guarded(bh.count))
  }

  /// Both passes, within the memory of their own or of a larger layer.
  func run(_ table: KernelTable, wantsInput: Bool = true, planned: RecurrentShape? = nil) {
    let kept = Guarded(table.recurrentKept(planned ?? shape))
    let scratch = Guarded(table.recurrentScratch(planned ?? shape))
    let weights = RecurrentWeights(
      input: wi.values, hidden: wh.values, inputBias: bi.values, hiddenBias: bh.values)
    tokens.withUnsafeBufferPointer { tokens in
      let input: RecurrentInput =
        shape.symbols > 0
        ? .tokens(tokens.baseAddress!, embedding: x.values) : .dense(x.values)
      table.recurrentForward(
        shape, input, weights, h: h.out, kept: kept.out, scratch: scratch.out)
      for i in 0..<scratch.count { scratch[i] = .nan }
      table.recurrentBackward(
        shape, input, weights, h: h.values, dh: dh.values, kept: kept.values,
        gradients: RecurrentGradients(
          input: dwi.out, hidden: dwh.out, inputBias: dbi.out, hiddenBias: dbh.out,
          x: wantsInput ? dx.out : nil), scratch: scratch.out)
    }
    #expect(([h, kept, scratch] + gradients).allSatisfy { $0.intact }, "\(shape)")
  }

  /// The same layer, not yet run.
  func copy() -> RecurrentLayer {
    RecurrentLayer(shape, x: x, wi: wi, wh: wh, bi: bi, bh: bh, dh: dh, tokens: tokens)
  }
}
