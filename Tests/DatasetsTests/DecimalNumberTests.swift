import Basics
import Testing

@testable import Datasets

@Suite struct DecimalNumberTests {
  /// The number that `text` begins with, and how many bytes it takes.
  private func float(_ text: String) -> (value: Float?, length: Int) {
    let bytes = Array(text.utf8)
    var position = 0
    let value = bytes.withUnsafeBufferPointer {
      DecimalNumber.float($0.baseAddress!, &position, bytes.count)
    }
    return (value, position)
  }

  @Test(arguments: [
    "0", "-0", "+1", "1.", ".5", "-.5e1", "3.14159", "1e10", "1E-10", "16777217", "16777219",
    "123456789012345678901234567890", "0.000000000000000000000000000001", "1e-45", "1.4e-45",
    "1.17549435e-38", "1.17549428e-38", "3.4028234e38", "9007199254740993", "0.1", "0.3",
    "1.00000005960464477539062500", "1.00000005960464477539062501", "1.0000000596046448",
    "8388608.5", "8388609.5", "1e0", "100000000000000000000000e-23", "1e-400",
  ])
  func isTheNearestFloat(_ text: String) throws {
    let expected = try #require(Float(text.hasSuffix(".") ? text + "0" : text))
    let (value, length) = float(text)
    #expect(value?.bitPattern == expected.bitPattern, "\(text)")
    #expect(length == text.utf8.count)
  }

  @Test func randomNumbersAreTheNearestFloats() {
    let random = CounterRandom(seed: 1, stream: .test)
    for trial in 0..<UInt64(20_000) {
      let digits = String(random.bits(2 * trial) >> UInt64(random.index(3 * trial, below: 50)))
      let exponent = random.index(2 * trial + 1, below: 70) - 50
      let point = digits.index(
        digits.startIndex, offsetBy: random.index(5 * trial, below: digits.count))
      let text = "\(digits[..<point])0.\(digits[point...])e\(exponent)"
      guard let expected = Float(text), expected.isFinite else { continue }
      #expect(float(text).value == expected, "\(text)")
    }
  }

  @Test(arguments: ["", "-", "+", ".", "e5", "nan", "inf", "-inf", "x", "1e39", "-4e38", "--1"])
  func othersAreNone(_ text: String) {
    let (value, length) = float(text + (text.isEmpty ? " " : ""))
    #expect(value == nil && length == 0, "\(text)")
  }

  @Test func endsWhereTheNumberEnds() {
    for (text, length) in [("1.5 2", 3), ("7e", 1), ("7e+", 1), ("1.2.3", 3), ("0x10", 1)] {
      #expect(float(text).length == length, "\(text)")
    }
  }

  @Test func wholeNumbersHaveABound() {
    func whole(_ text: String) -> Int? {
      let bytes = Array(text.utf8)
      var position = 0
      return bytes.withUnsafeBufferPointer {
        DecimalNumber.whole($0.baseAddress!, &position, bytes.count, largest: 99)
      }
    }
    #expect(whole("0") == 0 && whole("099:") == 99 && whole("7 8") == 7)
    #expect(whole("100") == nil && whole("-1") == nil && whole("x") == nil)
    #expect(whole("99999999999999999999999999") == nil)
  }
}
