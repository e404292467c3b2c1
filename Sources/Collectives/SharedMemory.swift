// All-reduce within a node without messages: every rank sums its own slice straight out of all
// ranks' memory and stores the sum back into all of it. Nothing is copied, nothing is sent; what it
// costs is one pass over the vectors and two meetings.
//
// Vectors must lie in a shared segment, at the same place of each rank's block.
//
//   fences   2
//   elements read and written: count per rank, whatever the number of ranks

/// All-reduce in the memory that the ranks of a node share.
public struct SharedMemoryAllReduce: AllReduceAlgorithm {
  public let name = "shared"
  public let summary = "sums in shared memory, copies nothing: all ranks on one node"

  /// The algorithm; it has no parameters.
  public init() {}

  /// One node only.
  public func objection(to topology: Topology) -> String? {
    topology.isOneNode
      ? nil : "it needs all ranks on one node, and there are \(topology.members.count) nodes"
  }

  /// Meet, sum the own slice into everybody's memory, meet.
  public func schedule(rank: Int, topology: Topology, count: Int) -> Schedule {
    schedule(rank, topology, count, into: Array(0..<topology.ranks))
  }

  /// The same, into the own memory only.
  public func reduceScatter(rank: Int, topology: Topology, count: Int) -> Schedule {
    schedule(rank, topology, count, into: [rank])
  }

  private func schedule(_ rank: Int, _ topology: Topology, _ count: Int, into: [Int]) -> Schedule {
    guard topology.ranks > 1, count > 0 else { return Schedule() }
    let slice = owned(by: rank, topology: topology, count: count)
    return Schedule([
      [.fence], [.sum(slice, over: Array(0..<topology.ranks), into: into)], [.fence],
    ]).withoutEmptyTransfers()
  }

  /// Meet and fetch the others' slices, meet.
  public func allGather(rank: Int, topology: Topology, count: Int) -> Schedule {
    guard topology.ranks > 1, count > 0 else { return Schedule() }
    let others = (0..<topology.ranks).filter { $0 != rank }
    return Schedule([
      [.fence],
      others.map { .load(owned(by: $0, topology: topology, count: count), from: $0, .copy) },
      [.fence],
    ]).withoutEmptyTransfers()
  }
}
