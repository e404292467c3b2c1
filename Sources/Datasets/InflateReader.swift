// A deflate stream (RFC 1951), bare as in zip archives or within a gzip file (RFC 1952): zlib inflates
// straight into the caller's memory, and of gzip members checks length and CRC-32. What is compressed
// is mapped, not read.

import CZlib

/// Inflates a stream from its beginning to its end.
final class InflateReader {
  /// What is around the stream.
  enum Wrapping: String {
    /// A header and a checksum; several members may follow each other.
    case gzip
    /// Nothing.
    case deflate

    /// What zlib is told: the largest window, and 16 more for gzip headers, or negative for none.
    fileprivate var windowBits: Int32 { self == .gzip ? 15 + 16 : -15 }
  }

  /// No deflate stream grows by more than this factor: the bound on what can come out of one.
  static let largestExpansion = 1032

  private let path: String
  private let wrapping: Wrapping
  private let source: UnsafeRawBufferPointer
  private let owner: ByteStore
  // Allocated, not inline: zlib keeps a pointer back to the stream.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private var unread: Int
  private var isAtEnd = false

  /// Opens a gzip file.
  convenience init(gzip path: String) throws(DataError) {
    let store = try ByteStore(mapping: path)
    try self.init(store.bytes, of: store, path: path, .gzip)
  }

  /// Opens a stream within bytes that `owner` holds; `path` is for messages.
  init(
    _ source: UnsafeRawBufferPointer, of owner: ByteStore, path: String, _ wrapping: Wrapping
  ) throws(DataError) {
    (self.path, self.wrapping, self.source, self.owner) = (path, wrapping, source, owner)
    unread = source.count
    stream.initialize(to: z_stream())
    let code = inflateInit2_(
      stream, wrapping.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else { throw DataError(path: path, problem: "zlib: \(Self.text(code))") }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// More bytes than this stream can possibly inflate to.
  var bound: Int { source.count * Self.largestExpansion + 1024 }

  /// Fills `target` and returns its size, or the number of bytes that were left.
  func read(into target: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
    var filled = 0
    while filled < target.count && !isAtEnd {
      // zlib counts in 32 bits; both sides are handed over in pieces.
      let offered = min(unread, 1 << 30)
      let room = min(target.count - filled, 1 << 30)
      let start = source.baseAddress.map { $0 + (source.count - unread) }
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
        // A gzip file may hold several members, one behind the other (RFC 1952, section 2.2).
        if unread == 0 || wrapping == .deflate { isAtEnd = true } else { inflateReset(stream) }
      case Z_BUF_ERROR:
        throw DataError(path: path, problem: "truncated: the \(wrapping) stream ends early")
      default:
        let reason = stream.pointee.msg.map { String(cString: $0) } ?? Self.text(code)
        throw DataError(path: path, problem: "corrupt \(wrapping) stream: \(reason)")
      }
    }
    return filled
  }

  /// Whether nothing is left. Only then was the checksum at a gzip file's end checked.
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
