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
public struct RingAllReduce: TwoPhaseAllReduce {
  public let name = "ring"
  public let summary = "optimal in bytes: long vectors, few ranks"

  /// The algorithm; it has no parameters.
  public init() {}

  /// Block number `rank`.
  public func owned(by rank: Int, topology: Topology, count: Int) -> Range<Int> {
    evenBlock(rank, of: topology.ranks, count: count)
  }

  /// Blocks travel to the right and grow, until each comes to its owner.
  public func reduceScatter(rank: Int, topology: Topology, count: Int) -> Schedule {
    let ranks = topology.ranks
    func block(_ behind: Int) -> Range<Int> {
      evenBlock((rank + 2 * ranks - behind) % ranks, of: ranks, count: count)
    }
    let right = (rank + 1) % ranks, left = (rank + ranks - 1) % ranks
    return Schedule(
      (1..<max(ranks, 1)).map { step in
        [.receive(block(step + 1), from: left, .add), .send(block(step), to: right)]
      }
    ).withoutEmptyTransfers()
  }

  /// Sums travel on around the ring.
  public func allGather(rank: Int, topology: Topology, count: Int) -> Schedule {
    let blocks = (0..<topology.ranks).map { evenBlock($0, of: topology.ranks, count: count) }
    return Self.allGather(rank: rank, blocks: blocks)
  }

  /// Around a ring of ranks that own a block each, of any lengths.
  static func allGather(rank: Int, blocks: [Range<Int>]) -> Schedule {
    let ranks = blocks.count
    func block(_ behind: Int) -> Range<Int> { blocks[(rank + 2 * ranks - behind) % ranks] }
    let right = (rank + 1) % ranks, left = (rank + ranks - 1) % ranks
    return Schedule(
      (0..<ranks - 1).map { step in
        [.receive(block(step + 1), from: left, .copy), .send(block(step), to: right)]
      }
    ).withoutEmptyTransfers()
  }
}
