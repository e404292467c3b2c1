// Files that are either there as a whole or not at all: a temporary name in the same folder, sync,
// rename, sync of the folder. A full disk or a kill in between leaves the old file as it was. What is no
// plain file stays what it is: a device or a FIFO is written into, a link keeps pointing.

import Foundation
import SystemPackage

#if canImport(Glibc)
  import Glibc
#endif

/// Input or output failed: what was tried on which path, and the system's words.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence with the path.
  public let description: String
  /// What was to be read is not there; false where reading or writing failed.
  public let isMissing: Bool

  /// An error from the system.
  init(_ doing: String, _ path: String, _ code: Int32) {
    isMissing = doing == "read" && (code == ENOENT || code == ENOTDIR)
    description = "cannot \(doing) \(path): \(String(cString: strerror(code)))"
  }
}

/// Whole-file writing.
public enum AtomicFile {
  /// Puts `data` at `path`: a plain file is replaced as a whole, also where a symbolic link leads to
  /// it; a device or a FIFO is written into.
  ///
  /// - Throws: `FileError` for a folder, or in the system's words.
  public static func write(_ data: Data, to path: String) throws(FileError) {
    switch try target(of: path) {
    case .file(let path): try replace(path, with: data)
    case .stream: try store(data, at: path, options: [], isSynced: false)
    }
  }

  /// What stands at a path, all links followed.
  private enum Target {
    /// A plain file, or nothing yet, at this path.
    case file(String)
    /// A device, a FIFO: nothing that can be replaced, or synced.
    case stream
  }

  private static func target(of path: String) throws(FileError) -> Target {
    var path = path
    // As many links as Linux follows.
    for _ in 0..<40 {
      var status = stat()
      // Before links are read: `/dev/stdout` leads to a pipe, which has no path.
      if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
        guard status.st_mode & S_IFMT != S_IFDIR else { throw FileError("write", path, EISDIR) }
        return .stream
      }
      guard let next = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else {
        return .file(path)
      }
      let folder = (path as NSString).deletingLastPathComponent
      path = next.hasPrefix("/") ? next : (folder as NSString).appendingPathComponent(next)
    }
    throw FileError("write", path, ELOOP)
  }

  private static func replace(_ path: String, with data: Data) throws(FileError) {
    let folder = (path as NSString).deletingLastPathComponent
    let name = (path as NSString).lastPathComponent
    let temporary = (folder as NSString).appendingPathComponent(".\(name).partial")
    do throws(FileError) {
      try store(data, at: temporary, options: [.create, .truncate], isSynced: true)
      guard rename(temporary, path) == 0 else { throw FileError("rename to", path, errno) }
      try synchronise(folder: folder)
    } catch {
      unlink(temporary)
      throw error
    }
  }

  private static func store(
    _ data: Data, at path: String, options: FileDescriptor.OpenOptions, isSynced: Bool
  ) throws(FileError) {
    do {
      let file = try FileDescriptor.open(
        FilePath(path), .writeOnly, options: options,
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
      try file.closeAfter {
        try data.withUnsafeBytes { _ = try file.writeAll($0) }
        guard !isSynced || fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
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
