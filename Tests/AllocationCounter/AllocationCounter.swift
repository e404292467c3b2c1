// Counts the heap allocations of one thread: this program's malloc and its kin stand before the C
// library's (which they call), so that everything is seen, whoever allocates. Linux with glibc.
//
// Compiled with optimisation, so that the numbers below are in memory from the program's start: what
// allocates on its own first use could not count.

#if canImport(Glibc)
  import Glibc

  @_silgen_name("__libc_malloc")
  private func libraryMalloc(_ size: Int) -> UnsafeMutableRawPointer?
  @_silgen_name("__libc_calloc")
  private func libraryCalloc(_ count: Int, _ size: Int) -> UnsafeMutableRawPointer?
  @_silgen_name("__libc_realloc")
  private func libraryRealloc(
    _ block: UnsafeMutableRawPointer?, _ size: Int
  ) -> UnsafeMutableRawPointer?
  @_silgen_name("__libc_memalign")
  private func libraryAlign(_ alignment: Int, _ size: Int) -> UnsafeMutableRawPointer?

  nonisolated(unsafe) private var watched: UInt = 0
  nonisolated(unsafe) private var count = 0

  @inline(__always)
  private func note() {
    if watched != 0 && UInt(pthread_self()) == watched { count &+= 1 }
  }

  // The linker lets `malloc` stand for it: the compiler keeps that name to itself.
  @_cdecl("apus_counting_malloc")
  public func countingMalloc(_ size: Int) -> UnsafeMutableRawPointer? {
    note()
    return libraryMalloc(size)
  }

  @_cdecl("calloc")
  public func countingCalloc(_ number: Int, _ size: Int) -> UnsafeMutableRawPointer? {
    note()
    return libraryCalloc(number, size)
  }

  @_cdecl("realloc")
  public func countingRealloc(
    _ block: UnsafeMutableRawPointer?, _ size: Int
  ) -> UnsafeMutableRawPointer? {
    note()
    return libraryRealloc(block, size)
  }

  @_cdecl("aligned_alloc")
  public func countingAlign(_ alignment: Int, _ size: Int) -> UnsafeMutableRawPointer? {
    note()
    return libraryAlign(alignment, size)
  }

  @_cdecl("posix_memalign")
  public func countingPosixAlign(
    _ block: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ alignment: Int, _ size: Int
  ) -> Int32 {
    note()
    block.pointee = libraryAlign(alignment, size)
    return block.pointee == nil ? ENOMEM : 0
  }

  /// Heap allocations of the calling thread while `body` runs. One caller at a time.
  public func allocations(_ body: () throws -> Void) rethrows -> Int {
    count = 0
    watched = UInt(pthread_self())
    defer { watched = 0 }
    try body()
    return count
  }
#endif
