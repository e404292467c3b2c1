import Foundation
import Testing

@testable import Training

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct CurvePlotTests {
  private func lines(_ count: Int, loss: (Int) -> Double) -> [LogLine] {
    (1...max(count, 1)).prefix(count).map { step in
      var line = LogLine(.progress)
      (line.step, line.loss, line.accuracy) = (step, loss(step), 0.5)
      return line
    }
  }

  private func wellFormed(_ svg: String) -> Bool {
    XMLParser(data: Data(svg.utf8)).parse()
  }

  @Test func picturesAreWellFormedWhateverTheLogHolds() {
    var evaluation = LogLine(.evaluation)
    (evaluation.step, evaluation.heldOutLoss, evaluation.heldOutAccuracy) = (3, 0.4, 0.9)
    let logs = [
      [], lines(1) { _ in 2.3 }, lines(500) { 2.3 / Double($0) } + [evaluation],
      lines(3) { _ in .nan }, lines(3) { $0 == 2 ? .infinity : 1 }, lines(4) { _ in 0 },
      lines(4) { _ in 1e30 },
    ]
    for log in logs {
      let svg = CurvePlot().svg(log, title: "a < b & c", stepsPerEpoch: 94)
      #expect(wellFormed(svg))
      #expect(!svg.contains("nan") && !svg.contains("inf"))
      #expect(svg.contains("a &lt; b &amp; c"))
    }
  }

  @Test func scalesHaveRoundMarksAndCoverTheData() {
    for (low, high) in [(0.0, 2.3), (0.31, 0.93), (0, 1e-4), (5, 5), (0, 12_345)] {
      let scale = CurvePlot.Scale(low: low, high: high)
      #expect(scale.low <= low + 1e-12 && scale.high >= high - 1e-12)
      #expect((3...12).contains(scale.marks.count))
      #expect(scale.place(scale.low) == 0 && scale.place(scale.high) == 1)
    }
  }
}
