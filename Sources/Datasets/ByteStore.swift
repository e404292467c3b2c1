// Immutable bytes at a fixed address: a file mapped into memory, or a block filled once. A mapped
// file costs no heap and is read from disk, or shared with the node's other ranks through the page
// cache, as its samples are asked for.

import SystemPackage

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Bytes that stay where they are for as long as the store lives.
public final class ByteStore {
  /// All of them.
  public let bytes: UnsafeRawBufferPointer
  private let isMapped: Bool

  /// Maps the regular file at `path` for reading. Cost: no copy, no heap. The file must not shrink
  /// while it is mapped (reading beyond its end stops the process): replace files by renaming.
  public init(mapping path: String) throws(DataError) {
    // A pipe would block in open, a folder fails only in mmap: look first.
    var status = stat()
    guard stat(path, &status) == 0 else { throw Self.failure(path, Errno(rawValue: errno)) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw DataError(path: path, problem: "not a file")
    }
    do {
      let file = try FileDescriptor.open(FilePath(path), .readOnly)
      bytes = try file.closeAfter {
        let count = Int(try file.seek(offset: 0, from: .end))
        guard count > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, file.rawValue, 0)
        guard let start, start != MAP_FAILED else { throw Errno(rawValue: errno) }
        return UnsafeRawBufferPointer(start: start, count: count)
      }
    } catch let error as Errno {
      throw Self.failure(path, error)
    } catch {
      throw DataError(path: path, problem: "\(error)", isInputOutput: true)
    }
    isMapped = true
  }

  /// A heap block of `count` bytes that `fill` writes, once.
  public init<Failure: Error>(
    count: Int, fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
    do {
      try fill(block)
    } catch {
      block.deallocate()
      throw error
    }
    bytes = UnsafeRawBufferPointer(block)
    isMapped = false
  }

  deinit {
    guard isMapped else { return bytes.deallocate() }
    if let start = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
    }
  }

  private static func failure(_ path: String, _ error: Errno) -> DataError {
    DataError(
      path: path, problem: "cannot be read: \(error)",
      isInputOutput: error != .noSuchFileOrDirectory)
  }
}
