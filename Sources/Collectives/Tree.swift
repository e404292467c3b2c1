// Binomial tree: reduce to rank 0, then broadcast along the same edges. Few rounds, but whole
// vectors: for short vectors on many ranks.
//
// R. Thakur, R. Rabenseifner, W. Gropp: Optimization of collective communication operations in
// MPICH, International Journal of High Performance Computing Applications 19 (2005), section 3.
//
//   rounds   2 ceil(log2 n)
//   messages 2 (n - 1) in all; rank 0 sends and receives ceil(log2 n)
//   elements count per message

/// All-reduce on a binomial tree, for any number of ranks.
public struct TreeAllReduce: AllReduceAlgorithm {
  public let name = "tree"
  public let summary = "few rounds, whole vectors: short vectors, many ranks"

  /// The algorithm; it has no parameters.
  public init() {}

  /// Up the tree, then down.
  public func schedule(rank: Int, topology: Topology, count: Int) -> Schedule {
    let ranks = topology.ranks
    let all = 0..<count
    // A rank's parent clears its lowest one bit; its children set one bit below that.
    var up: [[Transfer]] = []
    var down: [[Transfer]] = []
    var bit = 1
    while bit < ranks {
      if rank & bit != 0 {
        up.append([.send(all, to: rank - bit)])
        down.append([.receive(all, from: rank - bit, .copy)])
        break
      }
      if rank + bit < ranks {
        up.append([.receive(all, from: rank + bit, .add)])
        down.append([.send(all, to: rank + bit)])
      }
      bit *= 2
    }
    return Schedule(up + down.reversed()).withoutEmptyTransfers()
  }
}
