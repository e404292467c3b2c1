// The data formats a user can name, as NAME or NAME:ARGUMENT. A new one is a file and a line here.

import Basics

/// How one format is opened.
public struct DatasetFormat: Sendable {
  /// One line for a list.
  public let summary: String
  /// What may or must follow the colon, for example `FOLDER` or `[TRAINING,HELDOUT]`; empty where
  /// nothing may.
  public let argument: String
  /// Every setting that `open` reads.
  public let settings: [Setting]
  /// Opens both halves from what followed the colon, and settings.
  public let open: @Sendable (String?, Settings) throws -> DatasetPair

  /// A format.
  public init(
    summary: String, argument: String = "", settings: [Setting] = [],
    open: @escaping @Sendable (String?, Settings) throws -> DatasetPair
  ) {
    (self.summary, self.argument, self.settings, self.open) = (summary, argument, settings, open)
  }
}

/// Every data format, by name.
public let datasetCatalog = Catalog<DatasetFormat>(
  "data set",
  [
    (
      "fashion-mnist",
      DatasetFormat(summary: "60,000 pictures of clothing (Debian: dataset-fashion-mnist)") {
        _, _ in
        try FashionMNIST.open()
      }
    ),
    (
      "generated",
      DatasetFormat(
        summary: "hand-drawn digits, painted at load; needs no file",
        argument: "[TRAINING,HELDOUT]"
      ) { sizes, _ in try sizes.map(GeneratedGlyphs.open(sizes:)) ?? GeneratedGlyphs.open() }
    ),
    (
      "idx",
      DatasetFormat(summary: "MNIST's four IDX files, plain or .gz", argument: "FOLDER") {
        folder, _ in try IDXFolder.open(folder!)
      }
    ),
    ("cifar10", CIFAR10.format),
    ("libsvm", LIBSVMFiles.format),
    ("csv", CSVFiles.format),
    ("npy", NumPyFiles.arrays),
    ("npz", NumPyFiles.archive),
    ("text", TextWindows.format),
    ("movielens", MovieLens.format),
  ])

/// What a user names, taken apart: `idx:/data/mnist` is the format `idx` with an argument.
public struct DatasetSpecification: Sendable {
  /// The format's name.
  public let name: String
  /// The format.
  public let format: DatasetFormat
  private let argument: String?

  /// Finds the format; nothing is opened yet.
  ///
  /// - Throws: `UnknownName` with a suggestion, or `SettingError` where the argument is missing.
  public init(_ text: String) throws {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    name = String(parts[0])
    argument = parts.count == 2 && !parts[1].isEmpty ? String(parts[1]) : nil
    if name.contains("/") {
      throw SettingError(
        setting: "data", value: text, allowed: "a format before the path, as in idx:FOLDER,")
    }
    format = try datasetCatalog.find(name)
    if argument == nil, !format.argument.isEmpty, !format.argument.hasPrefix("[") {
      throw SettingError(setting: "data", value: text, allowed: "\(name):\(format.argument)")
    }
    if argument != nil, format.argument.isEmpty {
      throw SettingError(setting: "data", value: text, allowed: "\(name) alone")
    }
  }

  /// Opens both halves with the user's settings.
  ///
  /// - Throws: `UnknownName` for a setting that the format does not have, `SettingError` for a
  ///   value, `DataError` for the data.
  public func open(_ given: [String: String] = [:]) throws -> DatasetPair {
    try format.open(argument, Settings(of: name, declared: format.settings, given: given))
  }
}

/// Opens what a user names: `fashion-mnist`, `generated`, `generated:600,200`, `idx:FOLDER`.
///
/// - Throws: what `DatasetSpecification` throws.
public func openDataset(
  _ specification: String, settings: [String: String] = [:]
) throws -> DatasetPair {
  try DatasetSpecification(specification).open(settings)
}
