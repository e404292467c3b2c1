// Ring all-reduce: a reduce-scatter, then an all-gather, each round passing one block on to the
// right neighbour. Optimal in bytes, linear in latency: for long vectors and few ranks.
//
// P. Patarasuk, X. Yuan: Bandwidth optimal all-reduce algorithms for clusters of workstations,
// Journal of Parallel and Distributed Computing 69 (2009).
//
//   rounds   2 (n - 1)
//   messages 2 (n - 1) per rank
//   elements 2 count (n - 1) / n per rank

/// Bandwidth-optimal all-reduce on a ring.
public struct RingAllReduce: AllReduceAlgorithm {
  /// `ring`.
  public static let name = "ring"

  /// The algorithm; it has no parameters.
  public init() {}

  /// Both passes around the ring.
  public func schedule(rank: Int, ranks: Int, count: Int) -> Schedule {
    let right = (rank + 1) % ranks, left = (rank + ranks - 1) % ranks
    // Block `offset` places behind this rank.
    func block(_ offset: Int) -> Range<Int> {
      evenBlock((rank - offset + 2 * ranks) % ranks, of: ranks, count: count)
    }
    var rounds: [[Transfer]] = []
    for step in 0..<ranks - 1 {
      rounds.append([
        .receive(block(step + 1), from: left, .add), .send(block(step), to: right),
      ])
    }
    // This rank now holds the sum of the block after its own.
    for step in 0..<ranks - 1 {
      rounds.append([
        .receive(block(step), from: left, .copy), .send(block(step - 1), to: right),
      ])
    }
    return Schedule(rounds).withoutEmptyTransfers()
  }
}
