// Settings: how a command line or a job file hands hyper-parameters to whatever a catalogue names.
// An entry declares its settings; the user's `name=value` pairs are checked against the declaration
// and read through getters that say, in one line, what was wrong and what would be right.

/// One hyper-parameter that a catalogue entry understands.
public struct Setting: Sendable, Equatable {
  /// Name, the literature's or PyTorch's: `momentum`, `weight_decay`.
  public let name: String
  /// Value, as text, where the user gives none.
  public let defaultValue: String
  /// One line for a person.
  public let help: String

  /// A declared setting.
  public init(_ name: String, default defaultValue: String, help: String) {
    (self.name, self.defaultValue, self.help) = (name, defaultValue, help)
  }
}

extension [Setting] {
  /// Those of the user's pairs that are declared here: a job's settings belong to every part that
  /// declares them.
  public func selection(from given: [String: String]) -> [String: String] {
    let names = Set(map(\.name))
    return given.filter { names.contains($0.key) }
  }
}

/// A setting whose value will not do.
public struct SettingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The setting, the value given, and what is allowed.
  public let setting, value, allowed: String

  /// An error about `setting`.
  public init(setting: String, value: String, allowed: String) {
    (self.setting, self.value, self.allowed) = (setting, value, allowed)
  }

  /// For example `momentum=1.5: a number from 0 to below 1 is needed`.
  public var description: String { "\(setting)=\(value): \(allowed) is needed" }
}

/// Numbers that a setting may take; never NaN or infinite.
public struct Interval: Sendable, Equatable, CustomStringConvertible {
  private let lower, upper: Double
  private let includesLower, includesUpper: Bool

  private init(_ lower: Double, _ includesLower: Bool, _ upper: Double, _ includesUpper: Bool) {
    (self.lower, self.upper) = (lower, upper)
    (self.includesLower, self.includesUpper) = (includesLower, includesUpper)
  }

  /// Every finite number.
  public static let finite = Interval(-.infinity, false, .infinity, false)
  /// `lower` and more.
  public static func atLeast(_ lower: Double) -> Interval { .init(lower, true, .infinity, false) }
  /// More than `lower`.
  public static func above(_ lower: Double) -> Interval { .init(lower, false, .infinity, false) }
  /// More than `lower` and less than `upper`.
  public static func between(_ lower: Double, _ upper: Double) -> Interval {
    .init(lower, false, upper, false)
  }
  /// More than `lower`, up to `upper`.
  public static func above(_ lower: Double, to upper: Double) -> Interval {
    .init(lower, false, upper, true)
  }
  /// From `lower` to `upper`, both included.
  public static func from(_ lower: Double, to upper: Double) -> Interval {
    .init(lower, true, upper, true)
  }
  /// From `lower` to less than `upper`.
  public static func from(_ lower: Double, below upper: Double) -> Interval {
    .init(lower, true, upper, false)
  }

  /// Whether `value` may be taken.
  public func contains(_ value: Double) -> Bool {
    value.isFinite && (includesLower ? value >= lower : value > lower)
      && (includesUpper ? value <= upper : value < upper)
  }

  /// For example `of at least 0`, `from 0 to below 1`, `above 0`; empty for `finite`.
  public var description: String {
    func text(_ bound: Double) -> String { Int(exactly: bound).map(String.init) ?? "\(bound)" }
    if lower.isFinite && upper.isFinite {
      guard includesLower else {
        return "above \(text(lower)) and \(includesUpper ? "at most" : "below") \(text(upper))"
      }
      return "from \(text(lower)) to \(includesUpper ? "" : "below ")\(text(upper))"
    }
    if lower.isFinite {
      return includesLower ? "of at least \(text(lower))" : "above \(text(lower))"
    }
    return ""
  }
}

/// Values of the settings that one catalogue entry declares: the user's, else the defaults.
public struct Settings: Sendable, Equatable {
  /// Every declared setting's value, as text.
  public let values: [String: String]

  /// Fills the declaration with the user's values.
  ///
  /// - Parameters:
  ///   - owner: what the settings belong to, for messages: `sgd`, `cosine`.
  ///   - declared: every setting there is; names differ.
  ///   - given: the user's pairs.
  /// - Throws: `UnknownName` for a given name that is not declared.
  public init(
    of owner: String, declared: [Setting], given: [String: String] = [:]
  ) throws(UnknownName) {
    let names = declared.map(\.name)
    for name in given.keys.sorted() where !names.contains(name) {
      throw UnknownName(kind: "\(owner) setting", name: name, known: names)
    }
    let defaults = Dictionary(uniqueKeysWithValues: declared.map { ($0.name, $0.defaultValue) })
    values = defaults.merging(given) { $1 }
  }

  /// Splits `name=value` texts, as a command line has them; a later pair replaces an earlier one.
  public static func pairs(_ texts: [String]) throws(SettingError) -> [String: String] {
    var result: [String: String] = [:]
    for text in texts {
      guard let split = text.firstIndex(of: "="), split != text.startIndex else {
        throw SettingError(setting: text, value: "", allowed: "name=value")
      }
      result[String(text[..<split])] = String(text[text.index(after: split)...])
    }
    return result
  }

  /// The value as text. Asking for a setting that was not declared is a wrong program.
  public func string(_ name: String) -> String {
    guard let value = values[name] else {
      preconditionFailure("setting \(name) is read but not declared")
    }
    return value
  }

  /// The value as one of `allowed`.
  public func choice(_ name: String, of allowed: [String]) throws(SettingError) -> String {
    guard allowed.contains(string(name)) else {
      throw SettingError(
        setting: name, value: string(name), allowed: "one of " + allowed.joined(separator: ", "))
    }
    return string(name)
  }

  /// The value as a number within `interval`.
  public func double(_ name: String, _ interval: Interval = .finite) throws(SettingError) -> Double
  {
    guard let value = Double(string(name)), interval.contains(value) else {
      throw SettingError(
        setting: name, value: string(name), allowed: Self.words("a number", interval))
    }
    return value
  }

  /// The value as a number, which must lie within `interval` after rounding to 32 bits.
  public func float(_ name: String, _ interval: Interval = .finite) throws(SettingError) -> Float {
    let value = Float(try double(name, interval))
    guard interval.contains(Double(value)) else {
      throw SettingError(
        setting: name, value: string(name), allowed: Self.words("a number", interval))
    }
    return value
  }

  /// The value as numbers separated by commas, each within `interval`; empty text gives none.
  public func doubles(
    _ name: String, _ interval: Interval = .finite
  ) throws(SettingError) -> [Double] {
    guard !string(name).isEmpty else { return [] }
    let texts = string(name).split(separator: ",", omittingEmptySubsequences: false)
    let numbers = texts.compactMap { Double($0) }.filter(interval.contains)
    guard numbers.count == texts.count else {
      throw SettingError(
        setting: name, value: string(name),
        allowed: Self.words("a list as in 1,2.5,4 of numbers", interval))
    }
    return numbers
  }

  /// The value as a whole number within `interval`.
  public func int(_ name: String, _ interval: Interval = .finite) throws(SettingError) -> Int {
    guard let value = Int(string(name)), interval.contains(Double(value)) else {
      throw SettingError(
        setting: name, value: string(name), allowed: Self.words("a whole number", interval))
    }
    return value
  }

  /// The value as `true` or `false`.
  public func bool(_ name: String) throws(SettingError) -> Bool {
    guard let value = Bool(string(name)) else {
      throw SettingError(setting: name, value: string(name), allowed: "true or false")
    }
    return value
  }

  private static func words(_ noun: String, _ interval: Interval) -> String {
    interval == .finite ? noun : "\(noun) \(interval)"
  }
}
