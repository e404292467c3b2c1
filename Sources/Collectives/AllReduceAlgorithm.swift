// What an all-reduce algorithm is: a pure function from (rank, topology, count) to a schedule, and,
// where it has them, its two halves. A reduce-scatter leaves each rank with the finished sum of the
// elements that it owns; an all-gather spreads them. Between the two lies the sharded update.

/// An all-reduce as a pure function. Stateless; `name` is what the command line calls it.
public protocol AllReduceAlgorithm: Sendable {
  /// Name in the catalogue.
  var name: String { get }
  /// One line for a list: what it is good for.
  var summary: String { get }
  /// Why it does not work on a topology; nil if it does.
  func objection(to topology: Topology) -> String?

  /// What `rank` does so that afterwards all hold the element-wise sum of `count` elements. All
  /// ranks must be asked with the same `topology` and `count`.
  func schedule(rank: Int, topology: Topology, count: Int) -> Schedule

  // The two halves, schedules of their own. Between them a rank may change what it owns: the
  // sharded update sums gradients by the first and spreads parameters by the second.

  /// The elements whose sum `rank` holds after `reduceScatter`: each element has one owner, a rank
  /// may own none. In the literature: its block.
  func owned(by rank: Int, topology: Topology, count: Int) -> Range<Int>
  /// What `rank` does so that it holds the sum of the elements it owns, bit for bit the sum that
  /// `schedule` gives. Other elements are left undefined. MPI_Reduce_scatter is the same.
  func reduceScatter(rank: Int, topology: Topology, count: Int) -> Schedule
  /// What `rank` does so that all hold what each owner has in the elements that it owns. After
  /// `reduceScatter` this completes the all-reduce; it is MPI_Allgatherv on any vector.
  func allGather(rank: Int, topology: Topology, count: Int) -> Schedule
}

/// Algorithms without halves: the whole all-reduce serves as reduce-scatter, and a ring as
/// all-gather. Half as many bytes again as the all-reduce alone, in exchange for equal bits.
extension AllReduceAlgorithm {
  /// Works everywhere.
  public func objection(to topology: Topology) -> String? { nil }
  /// Even blocks.
  public func owned(by rank: Int, topology: Topology, count: Int) -> Range<Int> {
    evenBlock(rank, of: topology.ranks, count: count)
  }
  /// The all-reduce.
  public func reduceScatter(rank: Int, topology: Topology, count: Int) -> Schedule {
    schedule(rank: rank, topology: topology, count: count)
  }
  /// Around a ring.
  public func allGather(rank: Int, topology: Topology, count: Int) -> Schedule {
    let blocks = (0..<topology.ranks).map { owned(by: $0, topology: topology, count: count) }
    return RingAllReduce.allGather(rank: rank, blocks: blocks)
  }

  /// Where every rank has a node of its own.
  public func schedule(rank: Int, ranks: Int, count: Int) -> Schedule {
    schedule(rank: rank, topology: .scattered(ranks), count: count)
  }
}

/// An all-reduce that is nothing but its two halves, one after the other.
public protocol TwoPhaseAllReduce: AllReduceAlgorithm {}

extension TwoPhaseAllReduce {
  /// Reduce-scatter, then all-gather.
  public func schedule(rank: Int, topology: Topology, count: Int) -> Schedule {
    reduceScatter(rank: rank, topology: topology, count: count)
      + allGather(rank: rank, topology: topology, count: count)
  }
}
