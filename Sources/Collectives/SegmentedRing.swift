// Ring all-reduce in segments: blocks are cut so that sending, receiving and adding overlap. Round
// (step, segment) receives a segment of the incoming block and sends that segment of the outgoing
// block, which arrived a whole step earlier: what is sent never waits for what has just come. The
// order of additions is the ring's, and so are the bits.
//
// P. Patarasuk, X. Yuan: Bandwidth optimal all-reduce algorithms for clusters of workstations,
// Journal of Parallel and Distributed Computing 69 (2009).
//
//   rounds   2 (n - 1) s, where a block has s segments
//   messages 2 (n - 1) s per rank
//   elements 2 count (n - 1) / n per rank

/// Bandwidth-optimal all-reduce on a ring whose messages are short enough to overlap.
public struct SegmentedRingAllReduce: TwoPhaseAllReduce {
  public let name = "segmented-ring"
  public let summary = "ring in segments that overlap: long vectors over a network"
  /// Bytes of a segment, about.
  public let segmentBytes: Int
  /// Most segments of a block; longer blocks have longer segments.
  public let segmentLimit: Int

  /// Blocks shorter than a segment make it a plain ring.
  public init(segmentBytes: Int = messageBytes, segmentLimit: Int = 1024) {
    precondition(segmentBytes > 0 && segmentLimit > 0, "segments have a length")
    (self.segmentBytes, self.segmentLimit) = (segmentBytes, segmentLimit)
  }

  /// Block number `rank`.
  public func owned(by rank: Int, topology: Topology, count: Int) -> Range<Int> {
    evenBlock(rank, of: topology.ranks, count: count)
  }

  /// Blocks travel to the right and grow, until each comes to its owner.
  public func reduceScatter(rank: Int, topology: Topology, count: Int) -> Schedule {
    RingAllReduce.reduceScatter(
      rank: rank, blocks: evenBlocks(topology.ranks, count: count),
      segments: segments(topology.ranks, count))
  }

  /// Sums travel on around the ring.
  public func allGather(rank: Int, topology: Topology, count: Int) -> Schedule {
    RingAllReduce.allGather(
      rank: rank, blocks: evenBlocks(topology.ranks, count: count),
      segments: segments(topology.ranks, count))
  }

  /// The same for blocks of any length, so that rounds go together on all ranks.
  private func segments(_ ranks: Int, _ count: Int) -> Int {
    segmentCount((count + ranks - 1) / ranks, bytes: segmentBytes, limit: segmentLimit)
  }
}
