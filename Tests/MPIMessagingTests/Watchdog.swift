// A hang must become a failure: ends the process, and with it the job, when a check takes too long.

import Dispatch

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Barks once, unless stopped in time.
struct Watchdog {
  private let timer: any DispatchSourceTimer

  init(_ text: String, seconds: Int) {
    timer = DispatchSource.makeTimerSource(queue: .global())
    timer.setEventHandler {
      let line = Array((text + "\n").utf8)
      _ = write(2, line, line.count)
      _exit(70)
    }
    timer.schedule(deadline: .now() + .seconds(seconds))
    timer.activate()
  }

  func stop() { timer.cancel() }
}
