// How to wait for something that another process does: look again at once for a moment, then offer
// the core to others between looks. On an idle core the offer costs less than a microsecond; on a
// crowded one it is the difference between microseconds and whole time slices.
//
// Linux may hand an offered core straight back (its newer schedulers do). So on a crowded node a
// wait that goes on sleeps between looks: who sleeps is off the core, and comes first when it wakes.
// 8 ranks on 2 cores that other programs wanted too (means of three runs, milliseconds, against a
// sleep at every eighth look after 32): ring of 54,000 floats 17.9 -> 7.2, tree 4.7 -> 1.3, fence
// 0.6 -> 0.2; without any sleep 44, 13 and 0.8.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The state of one wait.
struct Patience {
  private var looks = 0
  private let isCrowded: Bool

  /// - Parameter isCrowded: more ranks than cores on this node: whoever we wait for probably needs
  ///   the core we are on. Otherwise about a millisecond of looks comes first, because a core that
  ///   has been offered to some other program comes back only after its time slice.
  init(isCrowded: Bool) { self.isCrowded = isCrowded }

  /// Called after each look in vain; returns whether it has offered the core.
  @discardableResult
  mutating func pause() -> Bool {
    looks += 1
    if looks < (isCrowded ? 4 : 20_000) { return false }
    if isCrowded && looks > 8 {
      var moment = timespec(tv_sec: 0, tv_nsec: 20_000)
      nanosleep(&moment, nil)
    } else {
      sched_yield()
    }
    return true
  }

  /// Cores of this node that are switched on.
  static var coreCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
