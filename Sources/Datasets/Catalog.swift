// The data formats a user can name, as NAME or NAME:ARGUMENT. A new one is a file and a line here.

import Basics

/// How one format is opened.
public struct DatasetFormat: Sendable {
  /// One line for a list.
  public let summary: String
  /// What may or must follow the colon, for example `FOLDER` or `[TRAINING,HELDOUT]`; empty where
  /// nothing may.
  public let argument: String
  /// Opens both halves from what followed the colon.
  public let open: @Sendable (String?) throws -> DatasetPair

  /// A format.
  public init(
    summary: String, argument: String = "",
    open: @escaping @Sendable (String?) throws -> DatasetPair
  ) {
    (self.summary, self.argument, self.open) = (summary, argument, open)
  }
}

/// Every data format, by name.
public let datasetCatalog = Catalog<DatasetFormat>(
  "data set",
  [
    (
      "fashion-mnist",
      DatasetFormat(summary: "60,000 pictures of clothing (Debian: dataset-fashion-mnist)") { _ in
        try FashionMNIST.open()
      }
    ),
    (
      "generated",
      DatasetFormat(
        summary: "hand-drawn digits, painted at load; needs no file",
        argument: "[TRAINING,HELDOUT]"
      ) { try $0.map(GeneratedGlyphs.open(sizes:)) ?? GeneratedGlyphs.open() }
    ),
    (
      "idx",
      DatasetFormat(summary: "MNIST's four IDX files, plain or .gz", argument: "FOLDER") {
        try IDXFolder.open($0!)
      }
    ),
  ])

/// Opens what a user names: `fashion-mnist`, `generated`, `generated:600,200`, `idx:FOLDER`.
///
/// - Throws: `UnknownName` with a suggestion, or `DataError`.
public func openDataset(_ specification: String) throws -> DatasetPair {
  let parts = specification.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
  let name = String(parts[0])
  let argument = parts.count == 2 && !parts[1].isEmpty ? String(parts[1]) : nil
  if name.contains("/") {
    throw SettingError(
      setting: "data", value: specification, allowed: "a format before the path, as in idx:FOLDER,")
  }
  let format = try datasetCatalog.find(name)
  if argument == nil, !format.argument.isEmpty, !format.argument.hasPrefix("[") {
    throw SettingError(
      setting: "data", value: specification, allowed: "\(name):\(format.argument)")
  }
  if argument != nil, format.argument.isEmpty {
    throw SettingError(setting: "data", value: specification, allowed: "\(name) alone")
  }
  return try format.open(argument)
}
