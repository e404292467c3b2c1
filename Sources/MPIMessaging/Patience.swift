// How to wait for something that another process does: look again at once for a moment, then offer
// the core to others between looks. On an idle core the offer costs less than a microsecond; on a
// crowded one it is the difference between microseconds and whole time slices.
//
// Where ranks share cores with each other alone, offering is all it takes: cores come back within
// microseconds. Where other programs compute on them, a core comes back after a time slice, or
// straight away although others need it; there it is better to sleep between looks: who sleeps is
// off the core, and comes first when it wakes. So a wait sleeps once it has lasted a millisecond,
// and at once if a core came back late within the last tenth of a second.
//
// Recursive doubling of 4 KB by 4 ranks on 2 cores, one per network namespace, microseconds
// (medians): cores to themselves 110-125 by offering, 260-430 by sleeping; cores that others wanted
// too 2,000-4,000 and 310-650. Taking the one or the other like this: 180 and 280-600.

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
  private var offeredSince: Int64 = 0
  private let isCrowded: Bool

  /// Until when cores are taken to come back late. All calls come from one thread.
  nonisolated(unsafe) private static var lateUntil: Int64 = 0

  /// Nanoseconds: a sleep; how long a core may be away; how long it is remembered that it was away
  /// longer; how long a wait goes without sleep otherwise.
  private static let sleep = 20_000, late: Int64 = 1_000_000, memory: Int64 = 100_000_000
  private static let sleepless: Int64 = 1_000_000

  /// - Parameter isCrowded: more ranks than cores: whoever we wait for probably needs the core we
  ///   are on. Otherwise about a millisecond of looks comes first, because a core that has been
  ///   offered to some other program comes back only after its time slice.
  init(isCrowded: Bool) { self.isCrowded = isCrowded }

  /// Called after each look in vain; returns whether it has offered the core.
  @discardableResult
  mutating func pause() -> Bool {
    looks += 1
    if looks < (isCrowded ? 4 : 20_000) { return false }
    guard isCrowded else {
      sched_yield()
      return true
    }
    let now = Vigil.now
    if offeredSince == 0 { offeredSince = now }
    if now < Self.lateUntil || now - offeredSince > Self.sleepless {
      var moment = timespec(tv_sec: 0, tv_nsec: Self.sleep)
      nanosleep(&moment, nil)
    } else {
      sched_yield()
      let back = Vigil.now
      if back - now > Self.late { Self.lateUntil = back + Self.memory }
    }
    return true
  }

  /// Whether Open MPI was told not to hold a core while it waits (`--mca mpi_yield_when_idle 1`):
  /// what a user knows about the cores holds for us too.
  static var launcherAsksForIt: Bool {
    isYes(getenv("OMPI_MCA_mpi_yield_when_idle").map { String(cString: $0) })
  }

  /// Open MPI's reading of a truth value.
  static func isYes(_ value: String?) -> Bool {
    value.map { !["", "0", "false", "no", "disabled"].contains($0.lowercased()) } ?? false
  }

  /// Cores of this node that are switched on.
  static var coreCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
