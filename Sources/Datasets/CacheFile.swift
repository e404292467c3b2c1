// A file that saves work and can be made again: written under a name of its own and renamed, so that
// ranks that make the same one at the same time do not meet, and a reader sees all of it or none.
// Nothing depends on it: where it cannot be written there is none, and it is checked when it is read,
// so it need not be on the disk when the rename is.

import SystemPackage

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Puts `bytes` at `path`; false where that cannot be (no permission, no room).
func writeCache(_ bytes: UnsafeRawBufferPointer, to path: String) -> Bool {
  let place = FilePath(path)
  guard let name = place.lastComponent?.string else { return false }
  // Process numbers repeat on other nodes.
  let own = String(UInt64.random(in: 0 ... .max), radix: 36)
  let temporary = place.removingLastComponent().appending(".\(name).\(own).partial")
  do {
    let file = try FileDescriptor.open(
      temporary, .writeOnly, options: [.create, .exclusiveCreate],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
    try file.closeAfter { _ = try file.writeAll(bytes) }
    guard rename(temporary.string, path) == 0 else { throw Errno(rawValue: errno) }
    return true
  } catch {
    unlink(temporary.string)
    return false
  }
}
