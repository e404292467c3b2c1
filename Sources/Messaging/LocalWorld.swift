// N ranks as N threads of one process: what tests of parallel code run on, without MPI, without a
// launcher, with any number of ranks, and with every hang turned into an error that explains it.

/// Runs a parallel program in one process.
public enum LocalWorld {
  /// Runs `body` once per rank, each on a thread of its own, and returns what the ranks returned,
  /// in rank order.
  ///
  /// If a rank throws, everybody else's communication fails with an error that names it, and its
  /// error is rethrown here. When all ranks wait for each other the call fails at once, saying who
  /// waits for whom. `abort` fails the world instead of ending the process.
  ///
  /// - Parameters:
  ///   - ranks: how many.
  ///   - ranksPerNode: pretends that ranks lie on nodes of so many; by default all share one.
  ///   - timeout: how long a rank may wait while no communication at all happens.
  @discardableResult
  public static func run<T: Sendable>(
    ranks: Int, ranksPerNode: Int? = nil, timeout: Duration = .seconds(60),
    _ body: @escaping @Sendable (any Communicator) throws -> T
  ) throws -> [T] {
    precondition(ranks > 0, "a world has at least one rank")
    let hub = LocalHub(ranks: ranks, ranksPerNode: max(1, ranksPerNode ?? ranks))
    let world = LocalGroup(hub: hub, members: Array(0..<ranks))
    let results = Results<T>(ranks)
    for rank in 0..<ranks {
      RankThread.start {
        let outcome = Result { try body(LocalCommunicator(group: world, rank: rank)) }
        hub.exclusively {
          switch outcome {
          case .success(let value): results.values[rank] = value
          case .failure(let error): hub.fail(rank, error)
          }
          hub.finish(rank)
        }
      }
    }
    hub.watch(timeout: timeout)
    return try hub.exclusively {
      if let failure = hub.failure { throw failure.error }
      return results.values.compactMap { $0 }
    }
  }

  /// What the ranks returned; guarded by the hub's lock.
  private final class Results<T>: @unchecked Sendable {
    var values: [T?]
    init(_ count: Int) { values = Array(repeating: nil, count: count) }
  }
}
