// Kernels of sequence models: attention of `gpt` and of longer sequences, recurrent layers, and the
// small ones around them.

import Basics
import Kernels

/// Both passes of attention, checked on one sample, then timed. Operations are those that causality
/// asks for.
func benchmarkAttention(_ name: String, _ shape: AttentionShape) {
  guard wanted("\(name) forward") || wanted("\(name) backward") else { return }
  let (qkv, dy) = (randomBuffer(3 * shape.count, 1), randomBuffer(shape.count, 2))
  let (y, logSums) = (FloatBuffer(count: shape.count), FloatBuffer(count: shape.rowCount))
  let dqkv = FloatBuffer(count: 3 * shape.count)
  let scratch = FloatBuffer(count: table.attentionScratch(shape))
  func forward(_ kernels: KernelTable, _ s: AttentionShape) {
    kernels.attentionForward(
      s, qkv: qkv.pointer, y: y.pointer, logSums: logSums.pointer, scratch: scratch.pointer)
  }
  func backward(_ kernels: KernelTable, _ s: AttentionShape) {
    kernels.attentionBackward(
      s, qkv: qkv.pointer, y: y.pointer, logSums: logSums.pointer, dy: dy.pointer,
      dqkv: dqkv.pointer, scratch: scratch.pointer)
  }
  var part = shape
  part.samples = 1
  if shape.length <= 256 {
    for (pass, result) in [(forward, y), (backward, dqkv)] {
      let first = FloatBuffer(count: result.count)
      pass(table, part)
      first.copy(from: result)
      pass(ScalarKernels.self, part)
      expectClose(first, result, 1e-4, name)
    }
  }
  let scores =
    shape.samples * shape.heads * shape.length
    * (shape.causal ? shape.length + 1 : 2 * shape.length)
    / 2
  let operations = 4 * scores * shape.headWidth
  if wanted("\(name) forward") {
    report("\(name) forward", operations: operations) { forward(table, shape) }
  }
  if wanted("\(name) backward") {
    report("\(name) backward", operations: operations * 5 / 2) { backward(table, shape) }
  }
}

/// Both passes of a recurrent layer on 64 sequences of 64 tokens, checked on two short ones, then
/// timed. Operations are those of the products with weights at each token.
func benchmarkRecurrent(_ name: String, _ shape: RecurrentShape) {
  guard wanted("\(name) forward") || wanted("\(name) backward") else { return }
  let tokens = shape.samples * shape.length
  let inputs = shape.inputs * (shape.symbols > 0 ? shape.symbols : tokens)
  let columns = shape.gateCount
  let (x, dx) = (randomBuffer(inputs, 1), FloatBuffer(count: inputs))
  let (wi, wh) = (
    randomBuffer(shape.inputs * columns, 2), randomBuffer(shape.hidden * columns, 3)
  )
  for i in 0..<wi.count { wi[i] *= 0.1 }
  for i in 0..<wh.count { wh[i] *= 0.1 }
  let (bi, bh) = (randomBuffer(columns, 4), randomBuffer(columns, 5))
  let (h, dh) = (
    FloatBuffer(count: tokens * shape.hidden), randomBuffer(tokens * shape.hidden, 6)
  )
  let (dwi, dwh) = (FloatBuffer(count: wi.count), FloatBuffer(count: wh.count))
  let (dbi, dbh) = (FloatBuffer(count: columns), FloatBuffer(count: columns))
  let sets = [table, ScalarKernels.self]
  let kept = FloatBuffer(count: sets.map { $0.recurrentKept(shape) }.max()!)
  let scratch = FloatBuffer(count: sets.map { $0.recurrentScratch(shape) }.max()!)
  let symbols = UnsafeMutablePointer<Int32>.allocate(capacity: tokens)
  for i in 0..<tokens { symbols[i] = Int32(i * 7919 % max(shape.symbols, 1)) }
  defer { symbols.deallocate() }
  let input: RecurrentInput =
    shape.symbols > 0 ? .tokens(symbols, embedding: x.pointer) : .dense(x.pointer)
  let weights = RecurrentWeights(
    input: wi.pointer, hidden: wh.pointer, inputBias: bi.pointer, hiddenBias: bh.pointer)
  let gradients = RecurrentGradients(
    input: dwi.pointer, hidden: dwh.pointer, inputBias: dbi.pointer, hiddenBias: dbh.pointer,
    x: dx.pointer)
  func forward(_ kernels: KernelTable, _ s: RecurrentShape) {
    kernels.recurrentForward(
      s, input, weights, h: h.pointer, kept: kept.pointer, scratch: scratch.pointer)
  }
  func backward(_ kernels: KernelTable, _ s: RecurrentShape) {
    kernels.recurrentBackward(
      s, input, weights, h: h.pointer, dh: dh.pointer, kept: kept.pointer, gradients: gradients,
      scratch: scratch.pointer)
  }
  var part = shape
  (part.samples, part.length) = (2, 5)
  var results: [FloatBuffer] = []
  for kernels in sets {
    forward(kernels, part)
    backward(kernels, part)
    for result in [h, dx, dwi, dwh] {
      let copy = FloatBuffer(count: result.count)
      copy.copy(from: result)
      results.append(copy)
    }
  }
  for i in 0..<4 { expectClose(results[i], results[4 + i], 1e-4, name) }
  let operations =
    2 * tokens * columns * (shape.hidden + (shape.symbols > 0 ? 0 : shape.inputs))
  if wanted("\(name) forward") {
    report("\(name) forward", operations: operations) { forward(table, shape) }
  }
  if wanted("\(name) backward") {
    forward(table, shape)
    report("\(name) backward", operations: 2 * operations) { backward(table, shape) }
  }
}

/// All kernels of sequence models.
func benchmarkSequences() {
  for (samples, heads, length, width) in [
    (1, 4, 64, 32), (64, 4, 64, 32), (8, 8, 256, 64), (1, 8, 1024, 64),
  ] {
    for causal in [true, false] {
      benchmarkAttention(
        "attention \(samples)x\(heads)x\(length)x\(width)\(causal ? " causal" : "")",
        AttentionShape(
          samples: samples, length: length, heads: heads, headWidth: width, causal: causal))
    }
  }
  for cell in RecurrentCell.allCases {
    for symbols in [65, 0] {
      benchmarkRecurrent(
        "\(cell) 128, 64x64\(symbols > 0 ? " tokens" : "")",
        RecurrentShape(
          cell: cell, samples: 64, length: 64, inputs: 128, hidden: 128, symbols: symbols))
    }
  }
  let (rows, width) = (4096, 128)
  let norm = LayerNormShape(rows: rows, width: width)
  let (x, dy) = (randomBuffer(rows * width, 1), randomBuffer(rows * width, 2))
  let (gain, bias) = (randomBuffer(width, 3), randomBuffer(width, 4))
  let (y, dx) = (FloatBuffer(count: rows * width), FloatBuffer(count: rows * width))
  let moments = FloatBuffer(count: 2 * rows)
  let (dgain, dbias) = (FloatBuffer(count: width), FloatBuffer(count: width))
  report("layer norm 4096x128 forward", bytes: 8 * rows * width) {
    table.layerNormForward(
      norm, x: x.pointer, gain: gain.pointer, bias: bias.pointer, y: y.pointer,
      moments: moments.pointer)
  }
  report("layer norm 4096x128 backward", bytes: 12 * rows * width) {
    table.layerNormBackward(
      norm, x: x.pointer, gain: gain.pointer, moments: moments.pointer, dy: dy.pointer,
      dx: dx.pointer, dgain: dgain.pointer, dbias: dbias.pointer, accumulate: false)
  }
  benchmarkActivations(4096 * 512)
}

/// Activations and dropout of `count` elements.
private func benchmarkActivations(_ count: Int) {
  let (x, dy) = (randomBuffer(count, 1), randomBuffer(count, 2))
  let (y, dx) = (FloatBuffer(count: count), FloatBuffer(count: count))
  for kind in ActivationKind.allCases {
    report("\(kind) 4096x512", bytes: 8 * count) {
      table.activation(kind, count, x: x.pointer, y: y.pointer)
    }
    report("\(kind) 4096x512 backward", bytes: 12 * count) {
      table.activationBackward(
        kind, count, x: x.pointer, y: y.pointer, dy: dy.pointer, dx: dx.pointer)
    }
  }
  report("dropout 4096x512", bytes: 8 * count) {
    table.dropout(count, rate: 0.1, key: 1, counter: 0, x: x.pointer, y: y.pointer)
  }
}
