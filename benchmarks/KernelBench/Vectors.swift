// Kernels that are bound by memory: once from the second-level cache, once from main memory.

import Basics
import Kernels

/// Elementwise kernels, sums, softmax and updates.
func benchmarkVectors() {
  for (place, count) in [("L2", 24_000), ("DRAM", 12_000_000)] {
    let (x, y, z, v) = (
      randomBuffer(count, 1), randomBuffer(count, 2), randomBuffer(count, 3),
      FloatBuffer(count: count)
    )
    report("add \(place)", bytes: 12 * count) { table.add(count, x: x.pointer, y: y.pointer) }
    report("add scaled \(place)", bytes: 12 * count) {
      table.addScaled(count, factor: 1e-6, x: x.pointer, y: y.pointer)
    }
    report("relu \(place)", bytes: 8 * count) {
      table.activation(.relu, count, x: x.pointer, y: y.pointer)
    }
    report("relu backward \(place)", bytes: 12 * count) {
      table.activationBackward(
        .relu, count, x: x.pointer, y: y.pointer, dy: x.pointer, dx: z.pointer)
    }
    report("dot \(place)", bytes: 8 * count) {
      consume(Float(table.dot(count, x: x.pointer, y: y.pointer)))
    }
    let sgd = SGDRule(
      rate: 1e-6, momentum: 0.9, decay: 1e-4, gradientScale: 1, nesterov: false, first: false)
    report("sgd with momentum \(place)", bytes: 20 * count) {
      table.sgd(
        sgd, count: count, gradients: x.pointer, parameters: y.pointer, velocity: z.pointer)
    }
    let adam = AdamRule(
      rate: 1e-6, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0, gradientScale: 1,
      correction1: 0.5, rootCorrection2: 0.5, decoupled: false)
    z.pointer.update(repeating: 0, count: count)
    report("adam \(place)", bytes: 28 * count) {
      table.adam(
        adam, count: count, gradients: x.pointer, parameters: y.pointer, firstMoment: z.pointer,
        secondMoment: v.pointer)
    }
  }
  for (rows, classes) in [(64, 10), (64, 1000)] {
    let logits = randomBuffer(rows * classes)
    let gradient = FloatBuffer(count: rows * classes)
    let labels = UnsafeMutablePointer<Int32>.allocate(capacity: rows)
    labels.initialize(repeating: 3, count: rows)
    defer { labels.deallocate() }
    report("softmax cross-entropy \(rows)x\(classes)", bytes: 8 * rows * classes) {
      consume(
        Float(
          table.softmaxCrossEntropy(
            rows: rows, classes: classes, logits: logits.pointer, labels: labels, factor: 1,
            gradient: gradient.pointer
          ).loss))
    }
  }
}
