// A gzip file (RFC 1952) as a stream of bytes: zlib inflates straight into the caller's memory and
// checks length and CRC-32 of every member. The compressed file is mapped, not read.

import CZlib

/// Reads a `.gz` file from its beginning to its end.
final class GzipReader {
  /// No deflate stream grows by more than this factor: the bound on what a file can hold.
  static let largestExpansion = 1032

  private let path: String
  private let source: ByteStore
  // Allocated, not inline: zlib keeps a pointer back to the stream.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private var unread: Int
  private var isAtEnd = false

  /// Opens the file; 15 + 16 asks zlib for gzip headers and the largest window.
  init(path: String) throws(DataError) {
    self.path = path
    source = try ByteStore(mapping: path)
    unread = source.bytes.count
    stream.initialize(to: z_stream())
    let code = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else { throw DataError(path: path, problem: "zlib: \(Self.text(code))") }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// More bytes than this file can possibly inflate to.
  var bound: Int { source.bytes.count * Self.largestExpansion + 1024 }

  /// Fills `target` and returns its size, or the number of bytes that were left.
  func read(into target: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
    var filled = 0
    while filled < target.count && !isAtEnd {
      // zlib counts in 32 bits; both sides are handed over in pieces.
      let offered = min(unread, 1 << 30)
      let room = min(target.count - filled, 1 << 30)
      let start = source.bytes.baseAddress.map { $0 + (source.bytes.count - unread) }
      stream.pointee.next_in = UnsafeMutablePointer(
        mutating: start?.assumingMemoryBound(to: UInt8.self))
      stream.pointee.avail_in = UInt32(offered)
      stream.pointee.next_out = (target.baseAddress! + filled).assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(room)
      let code = inflate(stream, Z_NO_FLUSH)
      unread -= offered - Int(stream.pointee.avail_in)
      filled += room - Int(stream.pointee.avail_out)
      switch code {
      case Z_OK: continue
      case Z_STREAM_END:
        // A file may hold several members, one behind the other (RFC 1952, section 2.2).
        if unread == 0 { isAtEnd = true } else { inflateReset(stream) }
      case Z_BUF_ERROR:
        throw DataError(path: path, problem: "truncated: the gzip stream ends early")
      default:
        let reason = stream.pointee.msg.map { String(cString: $0) } ?? Self.text(code)
        throw DataError(path: path, problem: "corrupt gzip stream: \(reason)")
      }
    }
    return filled
  }

  /// Whether nothing is left. Only then was the checksum at the file's end checked.
  func isExhausted() throws(DataError) -> Bool {
    var extra: UInt8 = 0
    return try withUnsafeMutableBytes(of: &extra) { one throws(DataError) in
      try read(into: one) == 0
    }
  }

  private static func text(_ code: Int32) -> String {
    zError(code).map { String(cString: $0) } ?? "error \(code)"
  }
}
