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

/// The setting `task`.
func targetKind(_ settings: Settings) throws(SettingError) -> TargetKind {
  let kinds: [TargetKind] = [.classes, .numbers]
  let name = try settings.choice("task", of: kinds.map(\.rawValue))
  return TargetKind(rawValue: name)!
}
