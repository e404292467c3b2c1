// One line of what step-bench is told, taken word by word; what is wrong with it is one sentence.

import Training

struct Command {
  private let line: String
  private var words: ArraySlice<Substring>

  init(_ line: String) {
    self.line = line
    words = line.split(separator: " ")[...]
  }

  var isEmpty: Bool { words.isEmpty }

  func refusal(_ reason: String) -> UsageError { UsageError("\(reason); told: '\(line)'") }

  /// The next word; `meaning` names it if it is missing.
  mutating func word(_ meaning: String) throws(UsageError) -> String {
    guard let word = words.popFirst() else { throw refusal("\(meaning) is missing") }
    return String(word)
  }

  /// The next word as a number.
  mutating func number<N: FixedWidthInteger>(
    _ meaning: String, from least: N = 1
  ) throws(UsageError) -> N {
    let word = try word(meaning)
    guard let number = N(word), number >= least else {
      throw refusal("\(meaning) '\(word)': a number of at least \(least) is needed")
    }
    return number
  }

  /// The words left, each NAME=VALUE.
  mutating func settings() throws(UsageError) -> [String: String] {
    var result: [String: String] = [:]
    while let word = words.popFirst() {
      let parts = word.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { throw refusal("'\(word)' is not NAME=VALUE") }
      result[String(parts[0])] = String(parts[1])
    }
    return result
  }
}
