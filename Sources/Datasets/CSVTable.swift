// One CSV file as numbers: every column but one is a feature, that one the target. Which line is a
// header and which column the target follows from the settings and the first line.

import Basics

/// A file's rows.
struct CSVTable {
  /// How a file is to be read.
  struct Layout {
    /// Whether the first line names the columns; nil: if one of them but the target is no number.
    var hasHeader: Bool?
    /// Between fields; nil: as the first line tells.
    var separator: UInt8?
    /// The target's column: `last`, `first`, a name, or a number from 1.
    var target: String
    /// What targets are.
    var kind: TargetKind
  }

  /// The file.
  let path: String
  /// Names of the columns, if it has a header.
  let header: [String]?
  /// Number of columns, and which is the target, from 0.
  let width: Int, target: Int
  /// (rows, width - 1).
  var values: [Float] = []
  /// Per row: a number's bits, or a number in the table of names.
  private(set) var targets: [Int32] = []

  /// Reads all lines; names of classes go into `names`.
  ///
  /// - Throws: `DataError` that names line and column.
  init(_ path: String, _ layout: Layout, names: inout NameTable) throws(DataError) {
    self.path = path
    let source = try TextSource(path: path, content: "a line of comma-separated values")
    var text = DelimitedText(source, separator: layout.separator)
    (header, width, target) = try Self.start(&text, layout)
    guard width > 1 else {
      throw source.failure(
        at: source.start, "one column; features and a target need two or more (see separator)")
    }
    values.reserveCapacity((source.end - source.start) / 8)
    while text.beginLine() {
      let line = text.position
      var column = 0, isLast = false
      while !isLast {
        let field = try text.next()
        isLast = field.endsLine
        guard !isLast || column == width - 1 else {
          throw source.failure(
            at: line, "\(column + 1) fields where the first line has \(width)")
        }
        if column == target, layout.kind == .classes {
          targets.append(try name(field, text, &names))
        } else if column < width {
          guard let value = text.number(in: field) else { throw notANumber(field, column, text) }
          if column == target { targets.append(value.target) } else { values.append(value) }
        }
        column += 1
      }
      guard targets.count < Int(Int32.max) else {
        throw source.failure(at: line, "more than \(grouped(Int(Int32.max))) samples")
      }
    }
    guard !targets.isEmpty else { throw DataError(path: path, problem: "holds no samples") }
  }

  /// Numbers the classes anew.
  mutating func renumber(_ ranks: [Int32]) {
    for row in targets.indices { targets[row] = ranks[Int(targets[row])] }
  }

  private func name(
    _ field: DelimitedText.Field, _ text: DelimitedText, _ names: inout NameTable
  ) throws(DataError) -> Int32 {
    guard !field.range.isEmpty else {
      throw text.source.failure(
        at: field.range.lowerBound, "no class in column \(describe(target))")
    }
    guard !field.isEscaped else {
      return text.content(of: field).withUnsafeBufferPointer { names.number(of: $0) }
    }
    return names.number(
      of: UnsafeBufferPointer(
        start: text.source.bytes + field.range.lowerBound, count: field.range.count))
  }

  private func notANumber(
    _ field: DelimitedText.Field, _ column: Int, _ text: DelimitedText
  ) -> DataError {
    return text.source.failure(
      at: field.range.lowerBound,
      "\(shown(text.content(of: field))) in column \(describe(column)) where a finite number is needed"
    )
  }

  /// A column's number, and its name if there is one.
  private func describe(_ column: Int) -> String {
    guard let header else { return "\(column + 1)" }
    return "\(column + 1) (\(shown(header[column].utf8)))"
  }

  /// Looks at the first line, and passes over it if it is a header.
  private static func start(
    _ text: inout DelimitedText, _ layout: Layout
  ) throws(DataError) -> (header: [String]?, width: Int, target: Int) {
    let path = text.source.path
    guard text.beginLine() else { throw DataError(path: path, problem: "holds no samples") }
    var reader = text
    let fields = try reader.line()
    let names = fields.map { reader.string(of: $0) }
    let areNumbers = fields.map { reader.number(in: $0) != nil }
    let position: Int? =
      switch layout.target {
      case "last": names.count - 1
      case "first": 0
      default: Int(layout.target).flatMap { (1...names.count).contains($0) ? $0 - 1 : nil }
      }
    let named = names.firstIndex(of: layout.target)
    let hasHeader =
      layout.hasHeader
      ?? (position == nil
        || names.indices.contains { $0 != position && !areNumbers[$0] })
    guard let target = (hasHeader ? named : nil) ?? position else {
      let columns =
        hasHeader
        ? "its columns are " + names.prefix(12).joined(separator: ", ")
          + (names.count > 12 ? ", ..." : "")
        : "without a header, last, first or a number from 1 to \(names.count) is needed"
      throw text.source.failure(
        at: text.position,
        "no column target=\(layout.target); \(printable(columns.utf8, most: 300))")
    }
    if hasHeader { text = reader }
    return (hasHeader ? names : nil, names.count, target)
  }
}
