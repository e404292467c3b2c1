// The text format of LIBSVM (Chang, Lin: LIBSVM, a library for support vector machines, 2011): one
// sample a line, `label index:value index:value ...` with ascending indices, whatever is not named
// being zero; `#` begins a comment, blank lines count for nothing. Cost: one pass, about 3 ns a byte.

import Basics

/// The rows of one file, in compressed sparse row form.
struct LIBSVMParser {
  /// Where each row's entries begin, and behind the last one the number of entries.
  private(set) var starts: [Int64] = [0]
  /// One per row.
  private(set) var labels: [Float] = []
  /// As the file has them, counted from 0 or from 1.
  private(set) var indices: [Int32] = []
  private(set) var values: [Float] = []
  /// Of all indices; 1 and 0 where there is none.
  private(set) var smallest: Int32 = .max, largest: Int32 = 0

  private let source: TextSource

  /// Reads all lines.
  ///
  /// - Throws: `DataError` that names the line.
  init(_ source: TextSource) throws(DataError) {
    self.source = source
    try source.requireLineFeeds()
    // Not more entries than colons, and not fewer bytes than four for each.
    indices.reserveCapacity((source.end - source.start) / 8)
    values.reserveCapacity((source.end - source.start) / 8)
    var position = source.start
    while position < source.end {
      try row(&position)
      // A comment, or nothing, is left of the line.
      position = source.lineEnd(from: position) + 1
    }
    guard !labels.isEmpty else {
      throw DataError(path: source.path, problem: "holds no samples, only comments and blank lines")
    }
  }

  /// The line on which a row stands. Cost: a pass over the text.
  static func offset(ofRow wanted: Int, in source: TextSource) -> Int {
    var position = source.start, row = 0
    while position < source.end {
      skipBlanks(source, &position)
      if !endsRow(source, position) {
        if row == wanted { return position }
        row += 1
      }
      position = source.lineEnd(from: position) + 1
    }
    return source.start
  }

  private mutating func row(_ position: inout Int) throws(DataError) {
    let (bytes, end) = (source.bytes, source.end)
    Self.skipBlanks(source, &position)
    guard !Self.endsRow(source, position) else { return }
    let begin = position
    guard let label = DecimalNumber.float(bytes, &position, end), isApart(position) else {
      throw source.failure(
        at: begin,
        "\(source.word(at: begin)) where a label is needed: a finite number, then INDEX:VALUE ...")
    }
    guard labels.count < mostSamples else {
      throw source.failure(at: begin, tooMany())
    }
    var previous: Int32 = -1
    while true {
      Self.skipBlanks(source, &position)
      guard !Self.endsRow(source, position) else { break }
      let pair = position
      // Room is left for a count of features beyond the largest index.
      guard
        let index = DecimalNumber.whole(bytes, &position, end, largest: Int(Int32.max) - 1),
        position < end, bytes[position] == UInt8(ascii: ":")
      else {
        throw source.failure(
          at: pair,
          "\(source.word(at: pair)) where INDEX:VALUE is needed, the index being a whole number of "
            + "at most \(grouped(Int(Int32.max) - 1))")
      }
      position += 1
      guard let value = DecimalNumber.float(bytes, &position, end), isApart(position) else {
        throw source.failure(
          at: pair, "\(source.word(at: pair)): the value behind the colon is not a finite number")
      }
      guard Int32(index) > previous else {
        throw source.failure(at: pair, "index \(index) behind \(previous): indices must ascend")
      }
      previous = Int32(index)
      smallest = min(smallest, previous)
      indices.append(previous)
      values.append(value)
    }
    largest = max(largest, previous)
    labels.append(label)
    starts.append(Int64(indices.count))
  }

  /// Whether what stands before `position` ends there.
  private func isApart(_ position: Int) -> Bool {
    Self.endsRow(source, position) || source.bytes[position] <= UInt8(ascii: " ")
  }

  private static func endsRow(_ source: TextSource, _ position: Int) -> Bool {
    position >= source.end || source.bytes[position] == newline
      || source.bytes[position] == UInt8(ascii: "#")
  }

  private static func skipBlanks(_ source: TextSource, _ position: inout Int) {
    while position < source.end, source.bytes[position] != newline,
      source.bytes[position] <= UInt8(ascii: " ")
    {
      position += 1
    }
  }
}
