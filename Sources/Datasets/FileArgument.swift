// What formats that open files by name have in common: the list of paths behind the colon, and what
// targets are.

import Basics

/// The paths of `argument`, separated by commas (a path cannot hold one); as many as `counts` allows.
///
/// - Throws: `SettingError` that shows the right `form`.
func filePaths(
  _ argument: String, counts: ClosedRange<Int>, form: String
) throws(SettingError) -> [String] {
  let paths = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  guard counts.contains(paths.count), !paths.contains("") else {
    throw SettingError(setting: "data", value: argument, allowed: form)
  }
  return paths
}

/// Most samples of a data set: their numbers have 31 bits.
let mostSamples = Int(Int32.max)

/// What is said where there are more than `mostSamples`.
func tooMany(_ what: String = "samples") -> String { "more than \(grouped(mostSamples)) \(what)" }

/// Most classes that a data set may have: a number that was meant as a number would otherwise ask for
/// a network of billions of outputs.
let mostClasses = 1 << 20

/// Refuses more classes than there can be; for formats with the setting `task`.
func requireFewClasses(_ count: Int, path: String) throws(DataError) {
  guard count <= mostClasses else {
    throw DataError(
      path: path,
      problem: "\(grouped(count)) different classes, more than \(grouped(mostClasses)); "
        + "--set task=numbers takes targets as numbers")
  }
}

/// The setting `task`.
func targetKind(_ settings: Settings) throws(SettingError) -> TargetKind {
  let kinds: [TargetKind] = [.classes, .numbers]
  let name = try settings.choice("task", of: kinds.map(\.rawValue))
  return TargetKind(rawValue: name)!
}
