// The usual augmentation of small pictures: a picture is surrounded by a black margin, a window of
// the old size is cut out anywhere, and half of the windows are mirrored (Lee et al.: Deeply-supervised
// nets, AISTATS 2015; He et al.: Deep residual learning, 2016). What is drawn is a function of (seed,
// epoch, sample), so a run sees the same pictures on any number of ranks.

import Basics

/// The window that is cut out of one picture.
struct CropAndFlip: Equatable {
  /// Where it begins: 0, 0 is the picture's own corner; negative in the margin.
  var top = 0, left = 0
  /// Whether columns are read from right to left.
  var isFlipped = false

  /// The picture as it is.
  init() {}

  /// The window of sample `index`; the picture as it is without a seed.
  ///
  /// - Parameter margin: pixels on every side.
  init(of index: Int, margin: Int, in context: ReadContext) {
    guard let seed = context.seed else { return }
    let random = CounterRandom(
      seed: seed, stream: .augmentation, substream: UInt64(context.epoch))
    let first = UInt64(index) * 3
    top = random.index(first, below: 2 * margin + 1) - margin
    left = random.index(first + 1, below: 2 * margin + 1) - margin
    isFlipped = random.index(first + 2, below: 2) == 1
  }
}
