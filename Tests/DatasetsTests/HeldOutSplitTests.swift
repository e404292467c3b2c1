import Testing

@testable import Datasets

@Suite struct HeldOutSplitTests {
  private func split(_ count: Int, _ fraction: Double) throws -> HeldOutSplit {
    try HeldOutSplit(count: count, fraction: fraction, path: "file")
  }

  @Test(arguments: [0.1, 0.3, 0.5, 0.9]) func bothHalvesMakeUpTheWhole(fraction: Double) throws {
    let halves = try split(10_000, fraction)
    #expect((halves.training + halves.heldOut).sorted() == Array(0..<10_000))
    #expect(halves.training == halves.training.sorted())
    #expect(halves.heldOut == halves.heldOut.sorted())
    #expect(abs(halves.heldOut.count - Int(10_000 * fraction)) <= 1)
  }

  /// Whether a sample is held out does not depend on how many follow it.
  @Test func isAFunctionOfTheSamplesNumber() throws {
    let long = try split(1000, 0.1), short = try split(500, 0.1)
    #expect(short.heldOut == long.heldOut.filter { $0 < 500 })
  }

  /// Every part of a sorted file is held out alike, and no column of a regular one.
  @Test func isEvenButNotRegular() throws {
    let heldOut = try split(10_000, 0.1).heldOut
    for block in 0..<100 {
      #expect(heldOut.count { Int($0) / 100 == block } == 10)
    }
    for column in 0..<10 {
      let there = heldOut.count { Int($0) % 10 == column }
      #expect((60...140).contains(there), "\(there) in column \(column)")
    }
  }

  @Test func emptyHalvesAreRefused() throws {
    #expect(
      #expect(throws: DataError.self) { try split(1, 0.9) }?.description
        == "file: heldout=0.9 of 1 samples leaves none to train on")
    #expect(
      #expect(throws: DataError.self) { try split(100, 1e-300) }?.description
        == "file: heldout=1e-300 of 100 samples leaves none to hold out")
  }
}
