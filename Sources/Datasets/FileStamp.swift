// Whether a file is still the one that something was made from: its size and when it was changed.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What changes when a file is written or replaced.
struct FileStamp: Equatable {
  /// Bytes.
  let size: Int64
  /// When it was last changed, in nanoseconds since 1970.
  let modified: Int64

  /// Looks at `path`; nil where nothing is there.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    size = Int64(status.st_size)
    #if os(Linux)
      let time = status.st_mtim
    #else
      let time = status.st_mtimespec
    #endif
    modified = Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}
