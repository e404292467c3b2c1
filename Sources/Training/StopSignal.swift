// A request to stop comes as a signal: SIGUSR1 (what batch queues send before a time limit),
// SIGTERM, SIGINT. The handler only notes it; the loop votes with the next step's gradients, so that
// all ranks stop after the same step, whichever of them the signal reached and when.

import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Whether this process was asked to stop.
public enum StopSignal {
  private static let flag = Atomic<Bool>(false)

  /// Notes SIGUSR1, SIGTERM and SIGINT from now on. A second SIGINT ends the process at once.
  public static func install() {
    flag.store(false, ordering: .relaxed)
    // A file that may not grow and a reader that has gone are errors to report, not sudden deaths.
    signal(SIGXFSZ, SIG_IGN)
    signal(SIGPIPE, SIG_IGN)
    // Some starters hand their own thread's blocked signals down.
    var wanted = sigset_t()
    sigemptyset(&wanted)
    for number in [SIGUSR1, SIGTERM, SIGINT] { sigaddset(&wanted, number) }
    pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
    signal(SIGUSR1) { _ in StopSignal.note() }
    signal(SIGTERM) { _ in StopSignal.note() }
    signal(SIGINT) { _ in
      StopSignal.note()
      signal(SIGINT, SIG_DFL)
    }
  }

  private static func note() { flag.store(true, ordering: .relaxed) }

  /// Whether a stop was asked for.
  public static var isRaised: Bool { flag.load(ordering: .relaxed) }
}
