// Comma-separated values: one sample a line, one column the target, all others numbers.

import Basics

/// Opens one CSV file, or a pair of them.
enum CSVFiles {
  /// The catalogue's entry.
  static let format = DatasetFormat(
    summary: "comma-separated values, one column the target", argument: "TRAIN[,HELDOUT]",
    settings: [
      Setting("task", default: "classes", help: "what targets are: classes or numbers"),
      Setting(
        "target", default: "last", help: "the target's column: last, first, a name, a number"),
      Setting("header", default: "auto", help: "whether the first line names columns: true, false"),
      Setting("separator", default: "auto", help: "comma, semicolon or tab"),
      Setting("standardise", default: "true", help: "each feature to mean 0, deviation 1"),
      HeldOutSplit.setting,
    ]
  ) { try open($0!, $1) }

  private static let separators = [
    "comma": UInt8(ascii: ","), "semicolon": UInt8(ascii: ";"), "tab": UInt8(ascii: "\t"),
  ]

  /// Opens `TRAIN` or `TRAIN,HELDOUT`; of a single file a share is held out.
  ///
  /// Classes may be any text; they are numbered in ascending order over both files, by value if all
  /// are whole numbers. Features are standardised by the training half.
  ///
  /// - Throws: `DataError` for files, `SettingError` for settings.
  static func open(_ argument: String, _ settings: Settings) throws -> DatasetPair {
    let paths = try filePaths(argument, counts: 1...2, form: "csv:TRAIN[,HELDOUT]")
    let header = try settings.choice("header", of: ["auto", "true", "false"])
    let separator = try settings.choice("separator", of: ["auto"] + separators.keys.sorted())
    let layout = CSVTable.Layout(
      hasHeader: Bool(header), separator: separators[separator],
      target: settings.string("target"), kind: try targetKind(settings))
    let fraction = try HeldOutSplit.fraction(settings, files: paths.count)
    let isStandardised = try settings.bool("standardise")
    var names = NameTable()
    var tables: [CSVTable] = []
    for path in paths { tables.append(try CSVTable(path, layout, names: &names)) }
    if tables.count == 2 { try compare(tables[0], tables[1]) }
    try requireFewClasses(names.names.count, path: paths[0])
    let classes =
      layout.kind == .classes ? try Self.classes(names, of: tables) : (numbers: [], names: [])
    let split =
      tables.count == 2
      ? nil : try HeldOutSplit(count: tables[0].targets.count, fraction: fraction, path: paths[0])
    let standardisation =
      isStandardised
      ? Standardisation(
        of: tables[0].values, features: tables[0].width - 1, rows: split?.training) : nil
    if layout.kind == .classes {
      for place in tables.indices { tables[place].renumber(classes.numbers) }
    }
    let halves = tables.map { table in
      FeatureTable(
        values: table.values, targets: table.targets, kind: layout.kind, classNames: classes.names,
        standardisation: standardisation)
    }
    return split?.halves(of: halves[0]) ?? DatasetPair(training: halves[0], heldOut: halves[1])
  }

  private static func classes(
    _ names: NameTable, of tables: [CSVTable]
  ) throws(DataError) -> (numbers: [Int32], names: [String]) {
    do throws(NameTable.NoClass) { return try names.classes() } catch {
      let problem =
        "\(shown(names.names[error.number])) is no class: classes are names or whole numbers; "
        + "--set task=numbers takes targets as numbers"
      throw tables.lazy.compactMap { $0.failure(ofName: error.number, problem) }.first
        ?? DataError(path: tables[0].path, problem: problem)
    }
  }

  /// Both files must have the same columns.
  private static func compare(_ training: CSVTable, _ heldOut: CSVTable) throws(DataError) {
    guard training.width == heldOut.width else {
      throw DataError(
        path: heldOut.path,
        problem: "\(heldOut.width) columns where \(training.path) has \(training.width)")
    }
    guard let a = training.header, let b = heldOut.header else { return }
    for (column, (name, other)) in zip(a, b).enumerated() where name != other {
      throw DataError(
        path: heldOut.path,
        problem: "column \(column + 1) is \(shown(other.utf8)) where \(training.path) has "
          + shown(name.utf8))
    }
  }
}
