import Basics
import Datasets
import Kernels
import Testing

@Suite struct GeneratedGlyphsTests {
  private func images(_ specification: String) throws -> (ByteImages, ByteImages) {
    let pair = try openDataset(specification)
    return (
      try #require(pair.training as? ByteImages), try #require(pair.heldOut as? ByteImages)
    )
  }

  @Test func sizesAndClassesAreAsAsked() throws {
    let (training, heldOut) = try images("generated:57,23")
    #expect(training.count == 57 && heldOut.count == 23)
    #expect(training.sampleShape == Shape([28, 28, 1]) && training.classes == 10)
    #expect((0..<57).map(training.label) == (0..<57).map { $0 % 10 })
  }

  @Test func samplesAreTheSameInEveryRunAndForEverySize() throws {
    let (short, _) = try images("generated:20,5")
    let (long, heldOut) = try images("generated:50,50")
    for index in 0..<20 { #expect(Array(short.bytes(of: index)) == Array(long.bytes(of: index))) }
    for index in 0..<50 {
      #expect(Array(long.bytes(of: index)) != Array(heldOut.bytes(of: index)))
    }
    let other = GeneratedGlyphs.open(training: 1, heldOut: 1, seed: 2).training as? ByteImages
    #expect(try Array(#require(other).bytes(of: 0)) != Array(short.bytes(of: 0)))
    // Only exactly rounded operations paint, so these sums hold on every machine.
    #expect(
      (0..<4).map { short.bytes(of: $0).reduce(0) { $0 + Int($1) } } == [
        21254, 18592, 24952, 33932,
      ])
  }

  @Test func picturesShowAStrokeOnNoise() throws {
    let (training, _) = try images("generated:100,1")
    for index in 0..<100 {
      let bytes = training.bytes(of: index)
      let bright = bytes.count { $0 > 100 }
      #expect(bright > 20 && bright < 350, "sample \(index): \(bright) bright pixels")
    }
  }

  /// The nearest mean picture is right far more often than chance, and far from always.
  @Test func aLinearRuleSolvesItInPart() throws {
    let (training, heldOut) = try images("generated:600,200")
    var means = [[Float]](repeating: [Float](repeating: 0, count: 784), count: 10)
    for index in 0..<600 {
      for (pixel, byte) in training.bytes(of: index).enumerated() {
        means[training.label(of: index)][pixel] += Float(byte) / 60
      }
    }
    let right = (0..<200).count { index in
      let bytes = heldOut.bytes(of: index).map(Float.init)
      let distances = means.map { mean in
        zip(mean, bytes).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      }
      return distances.firstIndex(of: distances.min()!) == heldOut.label(of: index)
    }
    #expect(right > 80 && right < 190, "\(right) of 200")
  }
}
