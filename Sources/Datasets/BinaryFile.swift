// A binary file, or a part of one, read number by number: whatever a header promises is checked
// against what is there before it is looked at, and errors name the byte.

import Basics

/// Bytes that somebody owns, with their place in a file.
struct BinaryFile {
  /// The file, and within an archive the member.
  let path: String
  /// What is there.
  let bytes: UnsafeRawBufferPointer
  /// Keeps the bytes alive.
  let owner: ByteStore

  /// Maps a file.
  init(path: String) throws(DataError) {
    let store = try ByteStore(mapping: path)
    (self.path, bytes, owner) = (path, store.bytes, store)
  }

  /// Part of a file, or what it was inflated to.
  init(path: String, bytes: UnsafeRawBufferPointer, owner: ByteStore) {
    (self.path, self.bytes, self.owner) = (path, bytes, owner)
  }

  /// The number at `offset`, in little-endian order; `what` names it for messages.
  func number<Value: FixedWidthInteger>(
    _ type: Value.Type, at offset: Int, _ what: String
  ) throws(DataError) -> Int {
    let value = try part(at: offset, count: MemoryLayout<Value>.size, what)
      .loadUnaligned(as: Value.self)
    guard let number = Int(exactly: Value(littleEndian: value)) else {
      throw failure(at: offset, "an impossible \(what)")
    }
    return number
  }

  /// The number at `offset`, which is a place in the file.
  func place<Value: FixedWidthInteger>(
    _ type: Value.Type, at offset: Int, _ what: String
  ) throws(DataError) -> Int {
    let place = try number(type, at: offset, what)
    guard place <= bytes.count else {
      throw failure(at: offset, "the \(what) is beyond the end")
    }
    return place
  }

  /// `count` bytes from `offset` on.
  func part(
    at offset: Int, count: Int, _ what: String
  ) throws(DataError) -> UnsafeRawBufferPointer {
    guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else {
      throw DataError(
        path: path,
        problem: "truncated: \(grouped(bytes.count)) bytes where the \(what) needs "
          + "\(grouped(count)) from byte \(grouped(offset)) on")
    }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }

  /// An error about the byte at `offset`: `PATH: byte 128: PROBLEM`.
  func failure(at offset: Int, _ problem: String) -> DataError {
    DataError(path: path, problem: "byte \(grouped(offset)): \(problem)")
  }
}
