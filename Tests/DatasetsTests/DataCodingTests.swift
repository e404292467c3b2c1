import Foundation
import Testing

@testable import Datasets

/// The same number may stand for something else in another file.
@Suite struct DataCodingTests {
  private func open(
    _ format: String, _ text: String, _ settings: [String: String] = [:]
  ) throws -> any Dataset {
    let folder = try TemporaryFolder()
    return try openDataset("\(format):" + folder.write("data", text), settings: settings).training
  }

  private func rows(_ lines: String...) -> String {
    (0..<20).map { "\(lines[$0 % lines.count])\n" }.joined()
  }

  @Test func namesAreCompared() throws {
    let pairs: [(String, String, String)] = [
      ("csv", rows("1,a", "2,b"), rows("1,c", "2,d")),
      ("csv", rows("1,0", "2,1"), rows("1,1", "2,2")),
      ("libsvm", rows("0 1:1", "1 2:1"), rows("5 1:1", "7 2:1")),
      ("text", rows("ab"), rows("ac")), ("text", rows("a\u{C5}"), rows("a\u{212B}")),
      ("movielens", rows("1::1::5::0", "2::1::5::0"), rows("1::1::5::0", "3::1::5::0")),
    ]
    for (format, one, other) in pairs {
      let settings = format == "text" ? ["length": "2"] : [:]
      let (a, b) = (try open(format, one, settings), try open(format, other, settings))
      #expect(a.coding == (try open(format, one, settings)).coding, "\(format)")
      #expect(a.coding != b.coding && a.recoded(in: b.coding) == nil, "\(format)")
      #expect(a.recoded(in: a.coding) != nil)
      let kept = try JSONDecoder().decode(DataCoding.self, from: JSONEncoder().encode(a.coding))
      #expect(kept == a.coding && kept != b.coding && kept.description == a.coding.description)
    }
  }

  /// A class that is its own number is one in every format.
  @Test func plainNumbersAreNoNames() throws {
    #expect(try open("libsvm", rows("0 1:1", "1 2:1")).coding == DataCoding())
    let table = try open("csv", rows("1,0", "2,1"), ["standardise": "false"])
    #expect(table.coding == DataCoding() && table.coding.description == "plain numbers")
    #expect(
      try open("csv", rows("1,a", "2,b")).coding.description
        == "the classes 'a', 'b' and standardised features")
  }

  /// What a model knows it can be asked about: a text of fewer characters takes its numbers.
  @Test func aTextOfKnownCharactersIsPutIntoThem() throws {
    let settings = ["length": "3", "heldout": "0.5"]
    let training = try open("text", rows("abc"), settings)
    let other = try open("text", rows("cb"), settings)
    let recoded = try #require(other.recoded(in: training.coding))
    #expect(Samples(of: other, [0]).inputs == [[2, 1, 0]])  // c, b, line end
    #expect(Samples(of: recoded, [0]).inputs == [[3, 2, 0]])
    #expect(recoded.classes == 4 && recoded.coding == training.coding)
    #expect(recoded.count == other.count)
    #expect(training.recoded(in: other.coding) == nil)
  }

  /// A file that lacks some classes is one of the same kind.
  @Test func fewerClassesKeepTheirNumbers() throws {
    for (format, all, some, settings) in [
      ("csv", rows("1,a", "2,b", "3,c"), rows("1,a", "3,c"), ["standardise": "false"]),
      ("csv", rows("1,0", "2,1", "3,2"), rows("1,0", "3,2"), ["standardise": "false"]),
      ("libsvm", rows("5 1:1", "7 1:2", "9 1:3"), rows("5 1:1", "9 1:3"), [:]),
    ] {
      let training = try open(format, all, settings), few = try open(format, some, settings)
      let recoded = try #require(few.recoded(in: training.coding))
      #expect(recoded.classes == 3 && recoded.coding == training.coding)
      #expect(
        Set(Samples(of: recoded).classes) == [0, 2] && Set(Samples(of: few).classes) == [0, 1])
      #expect(Samples(of: recoded).inputs == Samples(of: few).inputs)
      #expect(training.recoded(in: few.coding) == nil)
    }
    // Numbers in memory have no names: what has others is something else.
    let named = try open("csv", rows("1,a", "2,b"), ["standardise": "false"])
    let numbered = try open("csv", rows("1,0", "2,1"), ["standardise": "false"])
    #expect(named.recoded(in: DataCoding()) == nil && numbered.recoded(in: DataCoding()) != nil)
    #expect(numbered.recoded(in: named.coding) == nil)
  }

  @Test func differencesAreTold() throws {
    func coding(_ names: String...) -> DataCoding { DataCoding([Numbering("classes", names)]) }
    let ab = coding("a", "b")
    #expect(ab.difference(of: coding("a", "c")) == "other classes: 'c'")
    #expect(ab.difference(of: coding("a")) == "the classes 'a' only")
    #expect(ab.difference(of: coding("0", "1")) == "plain numbers")
    #expect(ab.difference(of: DataCoding([Numbering("users", ["a"])])) == "the users 'a'")
  }

  @Test func manyNamesAreOnlySummed() {
    let many = (0..<50_000).map { "name \($0)" }
    let (a, b) = (Numbering("users", many), Numbering("users", many.reversed()))
    #expect(a.names == nil && a != b && a == Numbering("users", many))
    #expect(DataCoding([a]).description.hasPrefix("the 50,000 users"))
    #expect(
      DataCoding([Numbering("classes", many.prefix(9))]).description.hasSuffix(
        "'name 7', ... (9 in all)"))
  }

  @Test func featuresAreMeasuredAsInTraining() throws {
    let training = try open("csv", rows("1,0", "3,1"))
    let shifted = try open("csv", rows("6,0", "8,1"))
    #expect(Samples(of: shifted, [0, 1]).inputs == Samples(of: training, [0, 1]).inputs)
    let measured = try #require(shifted.recoded(in: training.coding))
    let first = Samples(of: training, [0]).inputs[0][0],
      second = Samples(of: measured, [0]).inputs[0][0]
    #expect(second > first + 4)
    #expect(measured.coding == training.coding)
    let raw = try open("csv", rows("6,0", "8,1"), ["standardise": "false"])
    #expect(Samples(of: try #require(shifted.recoded(in: raw.coding)), [0]).inputs == [[6]])
    #expect(try open("csv", rows("1,2,0", "3,4,1")).recoded(in: training.coding) == nil)
  }
}
