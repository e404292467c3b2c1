// Recursive doubling: in each round pairs of ranks, 1, 2, 4, ... apart, exchange whole vectors and
// add them. Fewest rounds of all, but whole vectors in each: for very short vectors.
//
// Where the number of ranks is no power of two, ranks first fold into groups (see `Folding`): the
// second rank of a group gives its vector to the first, and gets the sum from it in the end.
//
// R. Thakur, R. Rabenseifner, W. Gropp: Optimization of collective communication operations in
// MPICH, International Journal of High Performance Computing Applications 19 (2005), section 4.
//
//   rounds   log2 n, or 2 + floor(log2 n)
//   messages log2 n per rank, or at most 1 + floor(log2 n)
//   elements count per message

/// All-reduce in the fewest rounds.
public struct RecursiveDoublingAllReduce: AllReduceAlgorithm {
  public let name = "recursive-doubling"
  public let summary = "fewest rounds, whole vectors: very short vectors"

  /// The algorithm; it has no parameters.
  public init() {}

  /// Fold, exchange and add at doubling distances, unfold. Both ranks of a pair add the same two
  /// values, so all ranks end with equal bits.
  public func schedule(rank: Int, topology: Topology, count: Int) -> Schedule {
    let folding = Folding(ranks: topology.ranks)
    let all = 0..<count
    let group = folding.group(of: rank)
    let (leader, second) = (folding.leader(of: group), folding.second(of: group))
    if rank != leader {
      return Schedule([[.send(all, to: leader)], [.receive(all, from: leader, .copy)]])
        .withoutEmptyTransfers()
    }
    var rounds: [[Transfer]] = second.map { [[.receive(all, from: $0, .add)]] } ?? []
    var distance = 1
    while distance < folding.groups {
      let peer = folding.leader(of: group ^ distance)
      rounds.append([.receive(all, from: peer, .add), .send(all, to: peer)])
      distance *= 2
    }
    if let second { rounds.append([.send(all, to: second)]) }
    return Schedule(rounds).withoutEmptyTransfers()
  }
}
