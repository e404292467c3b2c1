// The state that the ranks of one `LocalWorld` share: the lock, who sleeps on what, the first
// failure. Deadlocks are found the moment they arise: events come from ranks alone, so when every
// rank either sleeps or has finished, nothing can ever happen again. A clock is needed only for
// ranks that poll or compute for ever.

/// Shared by all ranks and the watcher (the thread that called `LocalWorld.run`).
final class LocalHub: @unchecked Sendable {
  enum State {
    /// Computing, as far as anybody knows.
    case running
    /// Asked for something (`test`, `probe`) that was not there.
    case polling
    case waiting(LocalOperation)
    case finished
  }

  let ranks: Int
  let ranksPerNode: Int
  let monitor: Monitor
  private(set) var states: [State]
  /// The first rank that failed, and why. Everybody's communication fails from then on.
  private(set) var failure: (rank: Int, error: any Error)?
  private(set) var lastProgress = ContinuousClock.now

  init(ranks: Int, ranksPerNode: Int) {
    (self.ranks, self.ranksPerNode) = (ranks, ranksPerNode)
    monitor = Monitor(places: ranks + 1)
    states = Array(repeating: .running, count: ranks)
  }

  /// The watcher's place in the monitor.
  var watcher: Int { ranks }

  /// Runs `body` under the lock.
  func exclusively<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
    monitor.lock()
    defer { monitor.unlock() }
    return try body()
  }

  /// Throws if some rank has failed. Under the lock.
  func check(_ call: String, rank: Int, peer: Int? = nil) throws(MessagingError) {
    guard let failure else { return }
    if let error = failure.error as? MessagingError, error.call == Self.stall { throw error }
    throw MessagingError(
      call: call, rank: rank, peer: peer, text: "rank \(failure.rank) failed: \(failure.error)")
  }

  /// Ends an operation and wakes its rank. Under the lock.
  func complete(_ operation: LocalOperation) {
    operation.isDone = true
    progress(operation.worldRank)
    monitor.wake(operation.worldRank)
  }

  /// Notes that something happened. Under the lock.
  func progress(_ worldRank: Int) {
    lastProgress = .now
    if case .polling = states[worldRank] { states[worldRank] = .running }
  }

  /// Notes that a rank asked in vain. Under the lock.
  func polled(_ worldRank: Int) { states[worldRank] = .polling }

  /// Sleeps until the operation is done or the world has failed. Under the lock.
  func sleep(until operation: LocalOperation) {
    let place = operation.worldRank
    states[place] = .waiting(operation)
    while !operation.isDone, failure == nil {
      if isStuck {
        fail(place, stallError("deadlock"))
      } else {
        monitor.sleep(at: place)
      }
    }
    states[place] = .running
  }

  /// Records the first failure and wakes everybody. Under the lock.
  func fail(_ rank: Int, _ error: any Error) {
    if failure == nil { failure = (rank, error) }
    monitor.wakeAll()
  }

  /// A rank has left its body. Under the lock.
  func finish(_ worldRank: Int) {
    states[worldRank] = .finished
    if isStuck { fail(worldRank, stallError("deadlock")) }
    monitor.wake(watcher)
  }

  var allFinished: Bool {
    states.allSatisfy { if case .finished = $0 { true } else { false } }
  }

  /// Whether somebody waits and nobody can end it.
  private var isStuck: Bool {
    var somebodyWaits = false
    for state in states {
      switch state {
      case .running, .polling: return false
      case .waiting(let operation):
        if operation.isDone { return false }
        somebodyWaits = true
      case .finished: break
      }
    }
    return somebodyWaits
  }

  /// Watches for ranks that wait or poll while nothing happens. Returns when all ranks have
  /// finished, or when the world has failed and the rest does not come back in time.
  func watch(timeout: Duration) {
    monitor.lock()
    defer { monitor.unlock() }
    while !allFinished {
      monitor.sleep(at: watcher, milliseconds: 100)
      let silence = ContinuousClock.now - lastProgress
      if failure != nil {
        if silence > timeout * 2 { return }
      } else if silence > timeout, let rank = states.firstIndex(where: \.isExpecting) {
        fail(rank, stallError("nothing happened for \(timeout)"))
      }
    }
  }

  /// `call` of errors that concern no rank in particular.
  static let stall = "communication"

  private func stallError(_ reason: String) -> MessagingError {
    let report = states.indices.map { rank in
      switch states[rank] {
      case .running: "rank \(rank) computes"
      case .polling: "rank \(rank) polls"
      case .waiting(let operation): "rank \(rank) \(operation.waitDescription)"
      case .finished: "rank \(rank) has finished"
      }
    }
    let rank = states.firstIndex(where: \.isExpecting) ?? 0
    var peer: Int?
    if case .waiting(let operation) = states[rank] { peer = operation.peer }
    return MessagingError(
      call: Self.stall, rank: rank, peer: peer,
      text: "\(reason): \(report.joined(separator: "; "))")
  }
}

extension LocalHub.State {
  /// Whether the rank expects something of the others.
  fileprivate var isExpecting: Bool {
    switch self {
    case .polling, .waiting: true
    case .running, .finished: false
    }
  }
}
