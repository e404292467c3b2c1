// How to wait for something that another process does: look again at once for a moment, then offer
// the core to others between looks. On an idle core the offer costs less than a microsecond; on a
// crowded one it is the difference between microseconds and whole time slices.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The state of one wait.
struct Patience {
  private var looksLeft: Int

  /// - Parameter isCrowded: more ranks than cores on this node: whoever we wait for probably needs
  ///   the core we are on. Otherwise about a millisecond of looks comes first, because a core that
  ///   has been offered to some other program comes back only after its time slice.
  init(isCrowded: Bool) { looksLeft = isCrowded ? 4 : 20_000 }

  /// Called after each look in vain; returns whether it has offered the core.
  @discardableResult
  mutating func pause() -> Bool {
    if looksLeft > 0 {
      looksLeft -= 1
      return false
    }
    sched_yield()
    return true
  }

  /// Cores of this node that are switched on.
  static var coreCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
