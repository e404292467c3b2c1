// A data set that needs no file: ten classes of distorted, noisy hand-drawn digits, 28 x 28 bytes.
// It looks like MNIST to a network, a linear model does not solve it, and it is the same on every
// machine and in every run.

import Basics

/// Paints the generated data set.
public enum GeneratedGlyphs {
  /// Samples in each half unless told otherwise.
  public static let trainingCount = 12_000, heldOutCount = 2_000

  /// Both halves. Sample i of a half is a pure function of (seed, half, i), of class i modulo 10;
  /// other sizes only make the list longer or shorter. Cost: about 10 us a sample.
  ///
  /// - Parameter seed: of the data, not of the training run.
  public static func open(
    training: Int = trainingCount, heldOut: Int = heldOutCount, seed: UInt64 = 1
  ) -> DatasetPair {
    precondition(training > 0 && heldOut > 0, "both halves hold samples")
    return DatasetPair(
      training: half(training, seed, first: 0), heldOut: half(heldOut, seed, first: 1 << 32))
  }

  /// Reads `TRAINING,HELDOUT`, as in `generated:600,200`.
  static func open(sizes: String) throws(DataError) -> DatasetPair {
    let numbers = sizes.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let training = numbers[0], let heldOut = numbers[1],
      (1...1_000_000).contains(training), (1...1_000_000).contains(heldOut)
    else {
      throw DataError(
        path: "generated:\(sizes)",
        problem: "two numbers from 1 to 1,000,000 are needed, as in generated:12000,2000")
    }
    return open(training: training, heldOut: heldOut)
  }

  private static func half(_ count: Int, _ seed: UInt64, first: UInt64) -> ByteImages {
    let side = GlyphPainter.side, size = side * side
    let shapes = GlyphShape.digits
    let painter = GlyphPainter()
    let pixels = ByteStore(count: count * size) { block in
      let start = block.bindMemory(to: UInt8.self).baseAddress!
      for index in 0..<count {
        let random = CounterRandom(
          seed: seed, stream: .generatedData, substream: first + UInt64(index))
        painter.paint(shapes[index % shapes.count], random: random, into: start + index * size)
      }
    }
    let labels = ByteStore(count: count) { block in
      for index in 0..<count { block[index] = UInt8(index % shapes.count) }
    }
    return ByteImages(
      count: count, shape: [side, side, 1], classes: shapes.count,
      pixels: pixels.bytes.bindMemory(to: UInt8.self).baseAddress!,
      labels: labels.bytes.bindMemory(to: UInt8.self).baseAddress!, owners: [pixels, labels])
  }
}
