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
    Self.reduceScatter(rank: rank, blocks: evenBlocks(topology.ranks, count: count))
  }

  /// Sums travel on around the ring.
  public func allGather(rank: Int, topology: Topology, count: Int) -> Schedule {
    Self.allGather(rank: rank, blocks: evenBlocks(topology.ranks, count: count))
  }

  // MARK: around a ring of ranks that own a block each, of any lengths, in so many segments

  static func reduceScatter(rank: Int, blocks: [Range<Int>], segments: Int = 1) -> Schedule {
    pass(rank, blocks, steps: 1..<blocks.count, .add, segments)
  }

  static func allGather(rank: Int, blocks: [Range<Int>], segments: Int = 1) -> Schedule {
    pass(rank, blocks, steps: 0..<blocks.count - 1, .copy, segments)
  }

  /// In step s a rank sends the block of the rank s places behind it, and receives the one before.
  private static func pass(
    _ rank: Int, _ blocks: [Range<Int>], steps: Range<Int>, _ arrival: Arrival, _ segments: Int
  ) -> Schedule {
    let ranks = blocks.count
    func block(_ behind: Int) -> Range<Int> { blocks[(rank + 2 * ranks - behind) % ranks] }
    let right = (rank + 1) % ranks, left = (rank + ranks - 1) % ranks
    var rounds: [[Transfer]] = []
    for step in steps {
      for number in 0..<segments {
        rounds.append([
          .receive(segment(number, of: segments, in: block(step + 1)), from: left, arrival),
          .send(segment(number, of: segments, in: block(step)), to: right),
        ])
      }
    }
    return Schedule(rounds).withoutEmptyTransfers()
  }
}
