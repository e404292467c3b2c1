import Kernels
import Testing

@Suite struct DropoutTests {
  /// The elements that stay, of `count` from `counter` on.
  private func mask(
    _ count: Int, rate: Float = 0.5, key: UInt64, counter: UInt64 = 0,
    _ table: KernelTable = KernelSelection.best
  ) -> [Bool] {
    let (x, y) = (Guarded(count, filledWith: 1), Guarded(count))
    table.dropout(count, rate: rate, key: key, counter: counter, x: x.values, y: y.out)
    #expect(y.intact)
    return (0..<count).map { y[$0] != 0 }
  }

  @Test(arguments: vectorSets) func sameBitsEverywhere(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(81)
    for count in VectorTests.counts {
      // Where the lower half of the counter overflows, too.
      for counter: UInt64 in [0, 12_345, 1 << 32 - 20, .max - 2000] {
        for rate: Float in [0, 0.1, 0.999] {
          let x = Guarded(count, &numbers)
          let (y, expected) = (x.copy(), x.copy())
          table.dropout(count, rate: rate, key: 99, counter: counter, x: y.values, y: y.out)
          ScalarKernels.dropout(
            count, rate: rate, key: 99, counter: counter, x: x.values, y: expected.out)
          #expect(identical(y, expected) && y.intact, "\(count) from \(counter)")
          if rate == 0 { #expect(identical(y, x)) }
        }
      }
    }
  }

  @Test func elementsArePlacesNotCalls() {
    let whole = mask(1000, key: 5, counter: UInt64(1) << 32 - 300)
    let piece = mask(500, key: 5, counter: UInt64(1) << 32 + 100)
    #expect(Array(whole[400..<900]) == piece)
  }

  @Test func keptElementsGrow() {
    let y = Guarded(100, filledWith: 2)
    KernelSelection.best.dropout(100, rate: 0.2, key: 1, counter: 0, x: y.values, y: y.out)
    #expect((0..<100).allSatisfy { y[$0] == 0 || y[$0] == 2.5 })
  }

  /// The share of dropped elements, within five standard deviations.
  @Test func theRateHolds() {
    let count = 100_000
    for (i, rate) in [Float(0.01), 0.1, 0.5, 0.9].enumerated() {
      let dropped = mask(count, rate: rate, key: UInt64(i)).count { !$0 }
      let deviation = (Double(count) * Double(rate) * Double(1 - rate)).squareRoot()
      #expect(abs(Double(dropped) - Double(count) * Double(rate)) < 5 * deviation, "\(rate)")
    }
  }

  /// Elements do not tell about neighbours, about the same place under another key, or about places
  /// whose counters differ in one bit: agreement within five standard deviations of one half.
  @Test func drawsAreIndependent() {
    let count = 1 << 16
    let draws = mask(count, key: 77)
    func expectHalf(_ agreements: Int, of total: Int, _ what: String) {
      let deviation = Double(total).squareRoot() / 2
      #expect(abs(Double(agreements) - Double(total) / 2) < 5 * deviation, "\(what)")
    }
    for lag in Array(1...17) + [32, 64, 1024] {
      let total = count - lag
      expectHalf((0..<total).count { draws[$0] == draws[$0 + lag] }, of: total, "lag \(lag)")
    }
    for bit in 0..<16 {
      expectHalf(
        (0..<count).count { draws[$0] == draws[$0 ^ 1 << bit] } / 2, of: count / 2, "bit \(bit)")
    }
    for (key, counter) in [(UInt64(78), UInt64(0)), (76, 0), (77 | 1 << 63, 0), (77, 1 << 32)] {
      let others = mask(count, key: key, counter: counter)
      expectHalf((0..<count).count { draws[$0] == others[$0] }, of: count, "key \(key)")
    }
  }

  /// Bytes of neighbouring draws fill their 256 values evenly (chi-squared, 255 degrees of freedom).
  @Test func bytesAreEven() {
    let draws = mask(1 << 18, key: 3)
    var counts = [Int](repeating: 0, count: 256)
    for byte in 0..<draws.count / 8 {
      counts[(0..<8).reduce(0) { $0 * 2 + (draws[8 * byte + $1] ? 1 : 0) }] += 1
    }
    let expected = Double(draws.count / 8) / 256
    let chi = counts.reduce(0.0) {
      $0 + (Double($1) - expected) * (Double($1) - expected) / expected
    }
    #expect(chi > 150 && chi < 380)
  }

  @Test func theRateIsAShare() async throws {
    await #expect(processExitsWith: .failure) { _ = DropoutRule(rate: 1) }
    await #expect(processExitsWith: .failure) { _ = DropoutRule(rate: -0.1) }
  }
}
