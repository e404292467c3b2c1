import Basics
import Testing

@Suite struct CounterRandomTests {
  private let random = CounterRandom(seed: 7, stream: .test)

  /// Pearson's statistic over equal bins; for 63 degrees of freedom 120 is beyond 1 in 10,000.
  private func chiSquared(_ counts: [Int]) -> Double {
    let expected = Double(counts.reduce(0, +)) / Double(counts.count)
    return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
  }

  @Test func uniformFillsItsRangeEvenly() {
    var counts = [Int](repeating: 0, count: 64)
    for counter in 0..<UInt64(64_000) {
      let value = random.uniform(counter)
      guard value >= 0 && value < 1 else { return #expect(Bool(false), "\(value)") }
      counts[Int(value * 64)] += 1
    }
    #expect(chiSquared(counts) < 120)
  }

  @Test func indexReachesEveryValueEvenly() {
    var counts = [Int](repeating: 0, count: 61)
    for counter in 0..<UInt64(61_000) { counts[random.index(counter, below: 61)] += 1 }
    #expect(chiSquared(counts) < 120)
    #expect(random.index(3, below: 1) == 0)
  }

  @Test func neighboursSubstreamsStreamsAndSeedsAreIndependent() {
    let others: [(name: String, draw: (UInt64) -> Float)] = [
      ("counter", { [random] in random.uniform($0 + 1) }),
      ("substream", CounterRandom(seed: 7, stream: .test, substream: 1).uniform),
      ("stream", CounterRandom(seed: 7, stream: .shuffle).uniform),
      ("seed", CounterRandom(seed: 8, stream: .test).uniform),
    ]
    for other in others {
      // Pairs fall evenly into the cells of an 8 x 8 board.
      var counts = [Int](repeating: 0, count: 64)
      for counter in 0..<UInt64(64_000) {
        counts[Int(random.uniform(counter) * 8) * 8 + Int(other.draw(counter) * 8)] += 1
      }
      #expect(chiSquared(counts) < 120, "\(other.name)")
    }
  }

  @Test func normalHasItsFirstFourMoments() {
    var sums = (0.0, 0.0, 0.0, 0.0)
    let count = 100_000
    for counter in 0..<UInt64(count) {
      let x = Double(random.normal(counter))
      sums = (sums.0 + x, sums.1 + x * x, sums.2 + x * x * x, sums.3 + x * x * x * x)
    }
    let n = Double(count)
    #expect(abs(sums.0 / n) < 0.015)
    #expect(abs(sums.1 / n - 1) < 0.02)
    #expect(abs(sums.2 / n) < 0.05)
    #expect(abs(sums.3 / n - 3) < 0.15)
  }

  @Test func bitsAreTheSameForEver() {
    // Resumed and published runs rely on them. The figures are another program's (Python).
    let bits: [UInt64] = [
      15_774_292_810_744_268_896, 870_900_965_600_407_318, 7_177_047_166_582_942_992,
    ]
    #expect((0..<3).map { random.bits($0) } == bits)
  }
}
