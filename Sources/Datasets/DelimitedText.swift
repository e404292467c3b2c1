// Comma-separated values (RFC 4180), field by field: quoted fields may hold separators, line ends and,
// doubled, quotation marks. Beyond the RFC, blanks around a field are not part of it, blank lines are
// passed over, lines may end in LF alone, and the separator may be another. Cost: about 1 ns a byte.

import Basics

/// Fields of a text, in order.
struct DelimitedText {
  /// The text.
  let source: TextSource
  /// What stands between fields.
  let separator: UInt8
  /// Where the next field begins.
  private(set) var position: Int

  private static let quote = UInt8(ascii: "\""), blank = UInt8(ascii: " ")
  private static let carriageReturn = UInt8(ascii: "\r")

  /// One field, without blanks and quotation marks around it.
  struct Field {
    /// Its bytes in the text.
    var range: Range<Int>
    /// Whether quotation marks within it are doubled.
    var isEscaped = false
    /// Whether it is the last one of its line.
    var endsLine = false
  }

  /// Begins with the first line that is not blank.
  ///
  /// - Parameter separator: nil: a tab if the first line has one, else a semicolon, else a comma.
  init(_ source: TextSource, separator: UInt8? = nil) {
    self.source = source
    position = source.start
    self.separator = separator ?? Self.separator(of: source)
  }

  /// Moves on to a line that is not blank; false at the end of the text.
  mutating func beginLine() -> Bool {
    while position < source.end {
      var at = position
      while at < source.end, Self.isBlank(source.bytes[at]) { at += 1 }
      if at < source.end, source.bytes[at] != newline { return true }
      position = at + 1
    }
    return false
  }

  /// Most fields of a line.
  static let mostFields = 1 << 20

  /// All fields of the line at `position`, which moves behind it: for lines that are looked at as a
  /// whole, such as the first.
  mutating func line() throws(DataError) -> [Field] {
    let begin = position
    var fields = [try next()]
    while !fields[fields.count - 1].endsLine {
      fields.append(try next())
      guard fields.count <= Self.mostFields else {
        throw source.failure(at: begin, "more than \(grouped(Self.mostFields)) fields")
      }
    }
    return fields
  }

  /// The text of a field.
  func string(of field: Field) -> String { String(decoding: content(of: field), as: UTF8.self) }

  /// The field at `position`, which moves behind it.
  ///
  /// - Throws: `DataError` for a quoted field that does not end, or that something follows.
  mutating func next() throws(DataError) -> Field {
    let (bytes, end) = (source.bytes, source.end)
    var at = position
    while at < end, bytes[at] == Self.blank { at += 1 }
    var field = Field(range: at..<at)
    if at < end, bytes[at] == Self.quote {
      field = try quoted(from: at)
      at = field.range.upperBound + 1
      while at < end, Self.isBlank(bytes[at]) { at += 1 }
      guard at >= end || bytes[at] == separator || bytes[at] == newline else {
        throw source.failure(at: at, "\(source.word(at: at)) behind a closing quotation mark")
      }
    } else {
      while at < end, bytes[at] != separator, bytes[at] != newline { at += 1 }
      var last = at
      while last > field.range.lowerBound, Self.isBlank(bytes[last - 1]) { last -= 1 }
      field.range = field.range.lowerBound..<last
    }
    field.endsLine = at >= end || bytes[at] == newline
    position = at + 1
    return field
  }

  /// The bytes of a field, as they were before they were quoted.
  func content(of field: Field) -> [UInt8] {
    let raw = UnsafeBufferPointer(
      start: source.bytes + field.range.lowerBound, count: field.range.count)
    guard field.isEscaped else { return Array(raw) }
    var content: [UInt8] = [], at = 0
    while at < raw.count {
      content.append(raw[at])
      at += raw[at] == Self.quote ? 2 : 1
    }
    return content
  }

  /// The finite number that a field holds, and nothing else; nil if it does not.
  func number(in field: Field) -> Float? {
    var at = field.range.lowerBound
    let end = field.range.upperBound
    guard let value = DecimalNumber.float(source.bytes, &at, end), at == end else { return nil }
    return value
  }

  private func quoted(from start: Int) throws(DataError) -> Field {
    let (bytes, end) = (source.bytes, source.end)
    var at = start + 1
    var field = Field(range: at..<at)
    while at < end {
      if bytes[at] != Self.quote {
        at += 1
      } else if at + 1 < end, bytes[at + 1] == Self.quote {
        field.isEscaped = true
        at += 2
      } else {
        field.range = start + 1..<at
        return field
      }
    }
    throw source.failure(at: start, "a quoted field that does not end")
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == blank || byte == carriageReturn }

  private static func separator(of source: TextSource) -> UInt8 {
    var at = source.start
    while at < source.end, source.bytes[at] == newline || isBlank(source.bytes[at]) { at += 1 }
    var hasTab = false, hasSemicolon = false, isQuoted = false
    while at < source.end, isQuoted || source.bytes[at] != newline {
      switch source.bytes[at] {
      case quote: isQuoted.toggle()
      case UInt8(ascii: "\t") where !isQuoted: hasTab = true
      case UInt8(ascii: ";") where !isQuoted: hasSemicolon = true
      default: break
      }
      at += 1
    }
    return UInt8(ascii: hasTab ? "\t" : hasSemicolon ? ";" : ",")
  }
}
