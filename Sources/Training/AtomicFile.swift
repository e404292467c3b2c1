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
public enum AtomicFile {
  /// Puts `data` at `path`.
  public static func write(_ data: Data, to path: String) throws(FileError) {
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
  public static func read(_ path: String) throws(FileError) -> Data {
    var status = stat()
    guard stat(path, &status) == 0 else { throw FileError("read", path, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileError("read", path, status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
    }
    guard access(path, R_OK) == 0 else { throw FileError("read", path, errno) }
    do { return try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe) } catch {
      throw FileError("read", path, EIO)
    }
  }

  /// Makes a folder and those above it.
  public static func makeFolder(_ path: String) throws(FileError) {
    if mkdir(path, 0o777) == 0 { return }
    let code = errno
    switch code {
    case EEXIST:
      var status = stat()
      guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
        throw FileError("make the folder", path, EEXIST)
      }
    case ENOENT:
      let above = (path as NSString).deletingLastPathComponent
      guard !above.isEmpty, above != path else { throw FileError("make the folder", path, code) }
      try makeFolder(above)
      guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
        throw FileError("make the folder", path, errno)
      }
    default: throw FileError("make the folder", path, code)
    }
  }
}
