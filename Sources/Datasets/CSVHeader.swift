// Which columns a CSV file has. Whether its first line names them or is a sample is guessed only where
// there is no doubt: a sample taken for a header is lost, a header taken for a sample is a class.

import Basics

/// What the first line tells.
struct CSVHeader {
  /// Names of the columns, if it has them.
  let names: [String]?
  /// Number of columns, and which is the target, from 0.
  let width: Int, target: Int

  private static let remedy =
    "--set header=true if the first line names the columns, header=false if it is a sample"

  /// Looks at the first line, and passes over it if it is a header.
  ///
  /// - Throws: `DataError` where it could be either, or has no such target.
  init(_ text: inout DelimitedText, _ layout: CSVTable.Layout) throws(DataError) {
    guard text.beginLine() else {
      throw DataError(path: text.source.path, problem: "holds no samples")
    }
    var reader = text
    let fields = try reader.line()
    let names = fields.map { reader.string(of: $0) }
    width = names.count
    let position: Int? =
      switch layout.target {
      case "last": names.count - 1
      case "first": 0
      default: Int(layout.target).flatMap { (1...names.count).contains($0) ? $0 - 1 : nil }
      }
    let named = names.firstIndex(of: layout.target)
    let hasHeader: Bool
    if let told = layout.hasHeader {
      hasHeader = told
    } else if position == nil {
      // Who names a column knows of a header.
      hasHeader = named != nil || Int(layout.target) == nil
    } else {
      let features = fields.indices.filter { $0 != position }
      let words = features.filter { reader.number(in: fields[$0]) == nil }
      guard words.isEmpty || words.count == features.count else {
        throw text.source.failure(
          at: text.position, "\(shown(names[words[0]].utf8)) beside numbers: \(Self.remedy)")
      }
      hasHeader = !words.isEmpty
    }
    guard let target = (hasHeader ? named : nil) ?? position else {
      throw text.source.failure(
        at: text.position,
        "no column target=\(layout.target); " + Self.known(names, layout, hasHeader: hasHeader))
    }
    self.target = target
    self.names = hasHeader ? names : nil
    if hasHeader { text = reader }
  }

  private static func known(
    _ names: [String], _ layout: CSVTable.Layout, hasHeader: Bool
  ) -> String {
    guard hasHeader else {
      return (layout.hasHeader == nil ? "" : "without a header, ")
        + "last, first or a number from 1 to \(names.count) is needed"
    }
    let list = names.prefix(12).joined(separator: ", ") + (names.count > 12 ? ", ..." : "")
    return printable("its columns are \(list)".utf8, most: 300)
  }

  /// What is suspicious about a first line that was taken for a sample; nil: nothing.
  ///
  /// - Parameters:
  ///   - features: its numbers.
  ///   - targets: all classes in the order of lines, as numbers of `names`.
  static func doubt(
    _ features: ArraySlice<Float>, _ targets: [Int32], _ names: NameTable
  ) -> String? {
    guard let first = targets.first, targets.count > 1 else { return nil }
    let name = shown(names.names[Int(first)]), others = targets.dropFirst()
    guard NameTable.number(names.names[Int(first)]) == nil else { return nil }
    let areNumbers = names.names.map { NameTable.number($0) != nil }
    if others.allSatisfy({ areNumbers[Int($0)] }) {
      return "\(name) above classes that are numbers: \(remedy)"
    }
    // What pandas writes of a table without names.
    if features.count > 1, features.enumerated().allSatisfy({ Float($0) == $1 }),
      !others.contains(first)
    {
      return "0, 1, ... and \(name), which never comes again: \(remedy)"
    }
    return nil
  }
}
