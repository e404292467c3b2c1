// What the tests of layers share: batches of random samples, and every instruction set that this
// machine can run.

import Basics
import Kernels
import Layers

/// The kernels to test with.
let tables = KernelSelection.available.compactMap(KernelSelection.table(for:))

/// Random samples with random targets, and the memory they lie in.
final class RandomBatch {
  let inputs: FloatBuffer
  let targets: UnsafeMutablePointer<Int32>
  let count: Int

  init(_ count: Int, of shape: Shape, classes: Int, targets places: Int = 1, seed: UInt64 = 1) {
    let random = CounterRandom(seed: seed, stream: .test)
    self.count = count
    inputs = FloatBuffer(count: count * shape.count)
    for index in 0..<inputs.count { inputs[index] = random.normal(UInt64(index)) }
    targets = .allocate(capacity: count * places)
    for index in 0..<count * places {
      targets[index] = Int32(random.index(1 << 32 + UInt64(index), below: classes))
    }
  }

  deinit { targets.deallocate() }

  /// The samples as one batch.
  var batch: Batch {
    Batch(
      count: count, globalCount: count, offset: 0, inputs: UnsafeRawPointer(inputs.pointer),
      targets: UnsafePointer(targets))
  }
}

/// Notes what a backward pass says.
final class Listener: GradientObserver {
  var ranges: [Range<Int>] = []
  var sum: LossSum?
  var pauses = 0
  func evaluated(_ sum: LossSum) { self.sum = sum }
  func finished(_ range: Range<Int>) { ranges.append(range) }
  func pause() { pauses += 1 }
}
