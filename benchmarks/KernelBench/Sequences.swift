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
  let (rows, width) = (4096, 128)
  let norm = LayerNormShape(rows: rows, width: width)
  let (x, dy) = (randomBuffer(rows * width, 1), randomBuffer(rows * width, 2))
  let (gain, bias) = (randomBuffer(width, 3), randomBuffer(width, 4))
  let (y, dx) = (FloatBuffer(count: rows * width), FloatBuffer(count: rows * width))
  let (sum, moments) = (FloatBuffer(count: rows * width), FloatBuffer(count: 2 * rows))
  let (dgain, dbias) = (FloatBuffer(count: width), FloatBuffer(count: width))
  report("layer norm 4096x128 forward", bytes: 8 * rows * width) {
    table.layerNormForward(
      norm, x: x.pointer, residual: nil, gain: gain.pointer, bias: bias.pointer, y: y.pointer,
      moments: moments.pointer)
  }
  report("layer norm 4096x128 forward, residual", bytes: 16 * rows * width) {
    table.layerNormForward(
      norm, x: x.pointer, residual: (FloatsIn(dy.pointer), sum.pointer), gain: gain.pointer,
      bias: bias.pointer, y: y.pointer, moments: moments.pointer)
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
