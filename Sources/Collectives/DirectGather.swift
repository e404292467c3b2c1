// All-gather in one round: every owner sends its block to every other rank. As many bytes as around
// a ring, all messages at once: for blocks that are short, or few.
//
//   rounds   1
//   messages n - 1 per rank that owns anything
//   elements n - 1 times the own block per rank

/// All-gather by direct messages.
public enum DirectGather {
  /// What `rank` does so that all ranks hold what each owner has in its block.
  ///
  /// - Parameter blocks: disjoint, one per rank; empty where a rank owns nothing.
  public static func schedule(rank: Int, blocks: [Range<Int>]) -> Schedule {
    // Peers in turn, so that not all ranks send to the same one first.
    let peers = (1..<max(blocks.count, 1)).map { (rank + $0) % blocks.count }
    return Schedule([
      peers.map { .receive(blocks[$0], from: $0, .copy) }
        + peers.map { .send(blocks[rank], to: $0) }
    ]).withoutEmptyTransfers()
  }
}
