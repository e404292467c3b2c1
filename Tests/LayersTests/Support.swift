// What the tests of layers share: batches of random samples, and every instruction set that this
// machine can run.

import Basics
import Kernels
import Layers

/// The kernels to test with.
let tables = KernelSelection.available.compactMap(KernelSelection.table(for:))

extension RandomSamples {
  /// Random samples with random classes.
  convenience init(_ count: Int, of shape: Shape, classes: Int, targets: Int = 1, seed: UInt64 = 1)
  {
    self.init(
      count, of: SampleSpace(input: shape, classes: classes), targetsPerSample: targets, seed: seed)
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
