// Files that are either there as a whole or not at all: a temporary name in the same folder, sync,
// rename, sync of the folder. A full disk or a kill in between leaves the old file as it was.

import Foundation
import SystemPackage

#if canImport(Glibc)
  import Glibc
#endif

/// Input or output failed: what was tried on which path, and the system's words.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence with the path.
  public let description: String

  /// An error from the system.
  init(_ doing: String, _ path: String, _ code: Int32) {
    description = "cannot \(doing) \(path): \(String(cString: strerror(code)))"
  }
}

/// Whole-file writing.
enum AtomicFile {
  /// Puts `data` at `path`.
  static func write(_ data: Data, to path: String) throws(FileError) {
    let folder = (path as NSString).deletingLastPathComponent
    let name = (path as NSString).lastPathComponent
    let temporary = (folder as NSString).appendingPathComponent(".\(name).partial")
    do throws(FileError) {
      try store(data, at: temporary)
      guard rename(temporary, path) == 0 else { throw FileError("rename to", path, errno) }
      try synchronise(folder: folder)
    } catch {
      unlink(temporary)
      throw error
    }
  }

  private static func store(_ data: Data, at path: String) throws(FileError) {
    do {
      let file = try FileDescriptor.open(
        FilePath(path), .writeOnly, options: [.create, .truncate],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
      try file.closeAfter {
        try data.withUnsafeBytes { _ = try file.writeAll($0) }
        guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
      }
    } catch {
      throw FileError("write", path, (error as? Errno)?.rawValue ?? EIO)
    }
  }

  /// Makes a rename in `folder` survive a power failure.
  private static func synchronise(folder: String) throws(FileError) {
    let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY)
    guard descriptor >= 0 else { throw FileError("open", folder, errno) }
    defer { close(descriptor) }
    // Some network file systems cannot sync a folder; the rename itself has succeeded.
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else {
      throw FileError("sync", folder, errno)
    }
  }

  /// Reads a whole file.
  static func read(_ path: String) throws(FileError) -> Data {
    do { return try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe) } catch {
      let posix = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
      let code = posix.map { Int32($0.code) } ?? (error as? CocoaError).map(Self.code) ?? EIO
      throw FileError("read", path, code)
    }
  }

  private static func code(_ error: CocoaError) -> Int32 {
    switch error.code {
    case .fileReadNoSuchFile, .fileNoSuchFile: ENOENT
    case .fileReadNoPermission: EACCES
    default: EIO
    }
  }

  /// Makes a folder and those above it.
  static func makeFolder(_ path: String) throws(FileError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      let posix = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
      throw FileError("make the folder", path, posix.map { Int32($0.code) } ?? EIO)
    }
  }
}
