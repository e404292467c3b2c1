// A text file as bytes in memory, and the line of any of them: parsers work on bytes and pointers,
// and lines are counted only when there is something to complain about.

import Basics

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A mapped text file.
final class TextSource {
  /// Where it was read from.
  let path: String
  /// Its bytes; there is at least one.
  let bytes: UnsafePointer<UInt8>
  /// Where the text begins (behind a byte order mark) and ends.
  let start, end: Int
  private let store: ByteStore

  /// Maps `path`, which must not be empty; `content` says what it should hold.
  init(path: String, content: String) throws(DataError) {
    self.path = path
    store = try ByteStore(mapping: path)
    guard let base = store.bytes.bindMemory(to: UInt8.self).baseAddress else {
      throw DataError(path: path, problem: "empty; \(content) is needed")
    }
    (bytes, end) = (base, store.bytes.count)
    start = store.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }

  /// An error about the byte at `offset`: `PATH: line 12: PROBLEM`. Cost: O(offset).
  func failure(at offset: Int, _ problem: String) -> DataError {
    let line =
      1 + UnsafeBufferPointer(start: bytes, count: min(offset, end)).count { $0 == newline }
    return DataError(path: path, problem: "line \(grouped(line)): \(problem)")
  }

  /// Refuses a text that would be one line because its lines end as on Macintoshes of old.
  func requireLineFeeds() throws(DataError) {
    guard lineEnd(from: start) == end, let mark = memchr(bytes + start, 0x0D, end - start) else {
      return
    }
    let rest = (UnsafeRawPointer(mark) - UnsafeRawPointer(bytes))..<end
    guard rest.contains(where: { bytes[$0] > UInt8(ascii: " ") }) else { return }
    throw DataError(
      path: path,
      problem: "lines end with CR alone; LF is needed, as `tr '\\r' '\\n'` makes it")
  }

  /// The line end at or behind `offset`, or the text's end.
  func lineEnd(from offset: Int) -> Int {
    guard offset < end else { return end }
    guard let found = memchr(bytes + offset, Int32(newline), end - offset) else { return end }
    return UnsafeRawPointer(found) - UnsafeRawPointer(bytes)
  }

  /// What stands from `offset` up to a blank, a line end or one of `others`, between quotation marks
  /// and on one line, for messages.
  func word(at offset: Int, until others: [UInt8] = []) -> String {
    var last = offset
    while last < end, bytes[last] > UInt8(ascii: " "), !others.contains(bytes[last]) { last += 1 }
    return shown(UnsafeBufferPointer(start: bytes + offset, count: last - offset))
  }
}

/// The byte that ends a line.
let newline = UInt8(ascii: "\n")

/// Bytes between quotation marks as a message shows them: on one line, and not too many.
func shown(_ bytes: some Collection<UInt8>, most: Int = 32) -> String {
  "'" + printable(bytes, most: most) + "'"
}

/// Bytes as text that a message can hold: on one line, and not too many.
func printable(_ bytes: some Collection<UInt8>, most: Int) -> String {
  let text = String(decoding: bytes.prefix(most), as: UTF8.self).unicodeScalars.map { scalar in
    scalar.properties.generalCategory == .control || scalar.value == 0x2028
      || scalar.value == 0x2029 ? "?" : String(scalar)
  }
  return text.joined() + (bytes.count > most ? "..." : "")
}
