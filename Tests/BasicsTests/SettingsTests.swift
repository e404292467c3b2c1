import Basics
import Testing

@Suite struct SettingsTests {
  private static let declared = [
    Setting("momentum", default: "0.9", help: ""),
    Setting("count", default: "3", help: ""),
    Setting("nesterov", default: "false", help: ""),
    Setting("kind", default: "plain", help: ""),
    Setting("milestones", default: "", help: ""),
  ]

  private func settings(_ given: [String: String] = [:]) throws -> Settings {
    try Settings(of: "sgd", declared: Self.declared, given: given)
  }

  @Test func defaultsFillWhatIsNotGiven() throws {
    let read = try settings(["count": "5"])
    #expect(try read.float("momentum", .from(0, below: 1)) == 0.9)
    #expect(try read.int("count") == 5)
    #expect(try read.bool("nesterov") == false)
    #expect(try read.choice("kind", of: ["plain", "fancy"]) == "plain")
    #expect(try read.doubles("milestones") == [])
    #expect(try settings(["milestones": "30,60.5"]).doubles("milestones") == [30, 60.5])
  }

  @Test func unknownNamesAreSuggestedFor() {
    let error = #expect(throws: UnknownName.self) { try settings(["momentun": "0.9"]) }
    #expect(
      error?.description == "unknown sgd setting 'momentun'; did you mean 'momentum'? "
        + "(known: count, kind, milestones, momentum, nesterov)")
  }

  @Test(arguments: [
    "1", "1.5", "-0.1", "nan", "inf", "-infinity", "", " 0.5", "0,5", "abc", "1e400",
    "0.99999999999",
  ])
  func numbersOutsideOfTheirRangeAreNamed(text: String) throws {
    let read = try settings(["momentum": text])
    let error = #expect(throws: SettingError.self) {
      try read.float("momentum", .from(0, below: 1))
    }
    #expect(error?.description == "momentum=\(text): a number from 0 to below 1 is needed")
  }

  @Test func everyGetterSaysWhatIsAllowed() throws {
    func message<Value>(_ name: String, _ text: String, _ get: (Settings) throws -> Value) throws
      -> String
    {
      let read = try settings([name: text])
      return try #require(throws: SettingError.self) { _ = try get(read) }.description
    }
    #expect(
      try message("count", "2.5") { try $0.int("count", .atLeast(1)) }
        == "count=2.5: a whole number of at least 1 is needed")
    #expect(
      try message("count", "0") { try $0.int("count", .above(0)) }
        == "count=0: a whole number above 0 is needed")
    #expect(
      try message("count", "11") { try $0.int("count", .from(1, to: 10)) }
        == "count=11: a whole number from 1 to 10 is needed")
    #expect(
      try message("momentum", "0") { try $0.double("momentum", .between(0, 1)) }
        == "momentum=0: a number above 0 and below 1 is needed")
    #expect(try message("count", "x") { try $0.double("count") } == "count=x: a number is needed")
    #expect(
      try message("nesterov", "yes") { try $0.bool("nesterov") }
        == "nesterov=yes: true or false is needed")
    #expect(
      try message("kind", "odd") { try $0.choice("kind", of: ["plain", "fancy"]) }
        == "kind=odd: one of plain, fancy is needed")
    #expect(
      try message("milestones", "3,,5") { try $0.doubles("milestones", .above(0)) }
        == "milestones=3,,5: a list as in 1,2.5,4 of numbers above 0 is needed")
  }

  @Test func pairsAreSplitAtTheFirstEqualsSign() throws {
    #expect(try Settings.pairs(["a=1", "b=x=y", "a=2"]) == ["a": "2", "b": "x=y"])
    for text in ["a", "=1", ""] {
      #expect(throws: SettingError.self) { try Settings.pairs([text]) }
    }
  }

  @Test func aPartTakesWhatItDeclares() {
    let given = ["count": "5", "length": "64"]
    #expect(Self.declared.selection(from: given) == ["count": "5"])
    #expect(Self.declared.selection(from: [:]) == [:])
  }
}
