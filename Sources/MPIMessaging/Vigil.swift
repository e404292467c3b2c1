// When looking in vain becomes a reason to ask whether the other side is still there. Most waits
// end within microseconds, so a vigil counts looks and reads the clock once in 256 of them: what
// completes soon pays an addition per look, and nothing at all if it is there at the first.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The state of one operation that has been looked at in vain.
struct Vigil {
  /// Nanoseconds between the first looks and the first question, and between a rank's word that it
  /// has left and the conclusion that nothing more comes. Lowered by tests.
  nonisolated(unsafe) static var patience: Int64 = 1_000_000_000
  /// Nanoseconds between looks at answers: a quarter of the patience.
  static var interval: Int64 { patience / 4 }

  private var looks: UInt32 = 0
  private var due: Int64 = 0
  private var suspect: Int?
  /// How many neighbours to the right of this rank a collective call has been asked about.
  private(set) var neighbours = 0

  /// Called after each look in vain; returns whether it is time to ask.
  mutating func isDue() -> Bool {
    looks &+= 1
    guard looks & 255 == 0 else { return false }
    let now = Self.now
    if due == 0 { due = now + Self.patience }
    guard now >= due else { return false }
    due = now + Self.interval
    neighbours += 1
    return true
  }

  /// Whether this rank was found absent at an earlier time too, and has had its moment since: what
  /// it sent before it left may have been on its way.
  mutating func confirms(_ absent: Int) -> Bool {
    if suspect == absent { return true }
    suspect = absent
    due = Self.now + Self.patience
    return false
  }

  /// Nanoseconds of a clock that only goes forward.
  static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
