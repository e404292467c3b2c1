// One CSV file as numbers: every column but one is a feature, that one the target.

import Basics

/// A file's rows.
struct CSVTable {
  /// How a file is to be read.
  struct Layout {
    /// Whether the first line names the columns; nil: if all of them but the target are no numbers.
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
  /// Names of classes that were met here first: the number of the first, and where each is.
  private var met: (first: Int, offsets: [Int])

  /// Reads all lines; names of classes go into `names`.
  ///
  /// - Throws: `DataError` that names line and column.
  init(_ path: String, _ layout: Layout, names: inout NameTable) throws(DataError) {
    self.path = path
    let source = try TextSource(path: path, content: "a line of comma-separated values")
    var text = DelimitedText(source, separator: layout.separator)
    try source.requireLineFeeds()
    let begin = text.position
    let columns = try CSVHeader(&text, layout)
    (header, width, target) = (columns.names, columns.width, columns.target)
    met = (names.names.count, [])
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
      guard targets.count < mostSamples else { throw source.failure(at: line, tooMany()) }
    }
    guard !targets.isEmpty else { throw DataError(path: path, problem: "holds no samples") }
    if layout.hasHeader == nil, header == nil, layout.kind == .classes,
      let doubt = CSVHeader.doubt(values[..<(width - 1)], targets, names)
    {
      throw source.failure(at: begin, doubt)
    }
  }

  /// An error about a class, with the line on which it was met first; nil if that was elsewhere.
  func failure(ofName number: Int, _ problem: String) -> DataError? {
    guard met.offsets.indices.contains(number - met.first) else { return nil }
    do throws(DataError) {
      let source = try TextSource(path: path, content: "a line of comma-separated values")
      return source.failure(at: met.offsets[number - met.first], problem)
    } catch { return error }
  }

  /// Numbers the classes anew.
  mutating func renumber(_ ranks: [Int32]) {
    for row in targets.indices { targets[row] = ranks[Int(targets[row])] }
  }

  private mutating func name(
    _ field: DelimitedText.Field, _ text: DelimitedText, _ names: inout NameTable
  ) throws(DataError) -> Int32 {
    let known = names.names.count
    defer { if names.names.count > known { met.offsets.append(field.range.lowerBound) } }
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
        + (header == nil && targets.isEmpty && column == target
          ? " (--set header=true if the first line names the columns)" : "")
    )
  }

  /// A column's number, and its name if there is one.
  private func describe(_ column: Int) -> String {
    guard let header else { return "\(column + 1)" }
    return "\(column + 1) (\(shown(header[column].utf8)))"
  }
}
