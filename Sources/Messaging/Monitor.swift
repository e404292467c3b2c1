// A mutex with one condition per place: what rank threads sleep on. POSIX primitives, because a
// rank must sleep until exactly its own operation completes and a watcher needs a time limit.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One mutex, `places` conditions. A thread that holds the lock may sleep at its place until
/// somebody wakes that place; as always with conditions it must then look again.
final class Monitor: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let conditions: UnsafeMutablePointer<pthread_cond_t>
  private let places: Int

  init(places: Int) {
    self.places = places
    mutex = .allocate(capacity: 1)
    conditions = .allocate(capacity: places)
    pthread_mutex_init(mutex, nil)
    for place in 0..<places { pthread_cond_init(conditions + place, nil) }
  }

  deinit {
    for place in 0..<places { pthread_cond_destroy(conditions + place) }
    pthread_mutex_destroy(mutex)
    conditions.deallocate()
    mutex.deallocate()
  }

  func lock() { pthread_mutex_lock(mutex) }
  func unlock() { pthread_mutex_unlock(mutex) }

  /// Gives up the lock while asleep.
  func sleep(at place: Int) { pthread_cond_wait(conditions + place, mutex) }

  /// As above, for at most so many milliseconds.
  func sleep(at place: Int, milliseconds: Int) {
    var until = timespec()
    clock_gettime(CLOCK_REALTIME, &until)
    let nanoseconds = until.tv_nsec + milliseconds % 1000 * 1_000_000
    until.tv_sec += milliseconds / 1000 + nanoseconds / 1_000_000_000
    until.tv_nsec = nanoseconds % 1_000_000_000
    pthread_cond_timedwait(conditions + place, mutex, &until)
  }

  func wake(_ place: Int) { pthread_cond_signal(conditions + place) }

  func wakeAll() {
    for place in 0..<places { pthread_cond_signal(conditions + place) }
  }
}

/// Threads with a stack as large as a main thread's, which recursive code and debug builds expect.
enum RankThread {
  private static let stackBytes = 8 << 20

  /// Starts a detached thread.
  static func start(_ body: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, stackBytes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let code = create(&attributes, RankBody(body).handOver())
    pthread_attr_destroy(&attributes)
    precondition(code == 0, "the system refuses another thread (code \(code))")
  }

  private static func create(
    _ attributes: UnsafePointer<pthread_attr_t>, _ body: UnsafeMutableRawPointer
  ) -> Int32 {
    #if canImport(Darwin)
      var thread: pthread_t?
      return pthread_create(&thread, attributes, { RankBody.run($0) }, body)
    #else
      var thread = pthread_t()
      return pthread_create(&thread, attributes, { RankBody.run($0) }, body)
    #endif
  }
}

/// A closure on its way to its thread.
private final class RankBody: Sendable {
  private let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }

  func handOver() -> UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }

  static func run(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let raw { Unmanaged<RankBody>.fromOpaque(raw).takeRetainedValue().body() }
    return nil
  }
}
