// All-reduce in two levels: within a node in shared memory, between nodes by any other algorithm.
// Every rank of a node carries a slice of the vector: it sums the slice straight out of all its
// neighbours' memory, sums it with the ranks that carry that slice on other nodes, and fetches the
// other slices from its neighbours. All links and cores work; between nodes each element travels
// once per node rather than once per rank.
//
// Where nodes have unequal numbers of ranks, the smallest number is the number of slices: further
// ranks carry none. On one node it is `SharedMemoryAllReduce`; with one rank per node it is the
// algorithm between nodes alone.
//
// M. Bayatpour, S. Chakraborty, H. Subramoni, X. Lu, D. K. Panda: Scalable reduction collectives
// with data partitioning-based multi-leader design, Supercomputing (2017).
//
//   fences   3
//   elements in memory: count per rank, read and written; between nodes: what the algorithm there
//            has for count / ranks per node
//   rounds   5 + those of the algorithm between nodes

/// All-reduce in shared memory within nodes and by another algorithm between them.
public struct HierarchicalAllReduce: AllReduceAlgorithm {
  private let inner: any AllReduceAlgorithm
  private let local = SharedMemoryAllReduce()

  /// - Parameter inner: the algorithm between nodes.
  public init(between inner: any AllReduceAlgorithm) { self.inner = inner }

  /// `hierarchical-` and the name of the algorithm between nodes.
  public var name: String { "hierarchical-" + inner.name }
  /// What it is.
  public var summary: String { "shared memory inside nodes, \(inner.name) between them" }

  /// What the algorithm between nodes has against one rank on each; the library's calls are made by
  /// all ranks, so they cannot serve.
  public func objection(to topology: Topology) -> String? {
    guard !topology.isOneNode else { return nil }
    let between = Topology.scattered(topology.members.count)
    if let objection = inner.objection(to: between) { return objection }
    let example = inner.schedule(rank: 0, topology: between, count: between.ranks)
    let calls = example.rounds.joined().contains { if case .library = $0 { true } else { false } }
    return calls ? "\(inner.name) works among all ranks only" : nil
  }

  /// Sum the own slice within the node, then between nodes; fetch the others.
  public func schedule(rank: Int, topology: Topology, count: Int) -> Schedule {
    guard !topology.isOneNode else {
      return local.schedule(rank: rank, topology: topology, count: count)
    }
    let place = SlicePlace(rank, topology, count)
    return (place.gatherSum + between(place, inner.schedule) + place.spread)
      .withoutEmptyTransfers()
  }

  /// What the algorithm between nodes owns of the slice; ranks without a slice own nothing.
  public func owned(by rank: Int, topology: Topology, count: Int) -> Range<Int> {
    guard !topology.isOneNode else {
      return local.owned(by: rank, topology: topology, count: count)
    }
    let place = SlicePlace(rank, topology, count)
    guard let slice = place.slice else { return count..<count }
    let part = inner.owned(by: place.node, topology: place.between, count: slice.count)
    return slice.lowerBound + part.lowerBound..<slice.lowerBound + part.upperBound
  }

  /// Sum within the node, reduce-scatter between nodes; the fence keeps the vector until
  /// neighbours have read it.
  public func reduceScatter(rank: Int, topology: Topology, count: Int) -> Schedule {
    guard !topology.isOneNode else {
      return local.reduceScatter(rank: rank, topology: topology, count: count)
    }
    let place = SlicePlace(rank, topology, count)
    return (place.gatherSum + between(place, inner.reduceScatter) + place.fence)
      .withoutEmptyTransfers()
  }

  /// All-gather of the slice between nodes; fetch the others.
  public func allGather(rank: Int, topology: Topology, count: Int) -> Schedule {
    guard !topology.isOneNode else {
      return local.allGather(rank: rank, topology: topology, count: count)
    }
    let place = SlicePlace(rank, topology, count)
    return (between(place, inner.allGather) + place.spread).withoutEmptyTransfers()
  }

  /// A schedule among the ranks that carry the same slice.
  private func between(
    _ place: SlicePlace, _ schedule: (_ rank: Int, _ topology: Topology, _ count: Int) -> Schedule
  ) -> Schedule {
    guard let slice = place.slice else { return Schedule() }
    return schedule(place.node, place.between, slice.count)
      .placed(at: slice.lowerBound, ranks: place.carriers)
  }
}

/// A rank among its neighbours, and the ranks that carry the same slice.
private struct SlicePlace {
  let rank: Int
  let node: Int
  /// The ranks of the node.
  let neighbours: [Int]
  let slices: [Range<Int>]
  /// The own slice; nil: further ranks of large nodes carry none.
  let slice: Range<Int>?
  /// Who carries the own slice on each node.
  let carriers: [Int]
  let between: Topology

  init(_ rank: Int, _ topology: Topology, _ count: Int) {
    self.rank = rank
    node = topology.nodes[rank]
    neighbours = topology.members[node]
    slices = evenBlocks(topology.members.map(\.count).min() ?? 1, count: count)
    let place = topology.place(of: rank)
    slice = place < slices.count ? slices[place] : nil
    carriers = slice == nil ? [] : topology.members.map { $0[place] }
    between = .scattered(topology.members.count)
  }

  /// A rank that has its node to itself meets nobody, and for nothing nobody meets.
  var fence: Schedule {
    neighbours.count > 1 && slices.contains { !$0.isEmpty } ? Schedule([[.fence]]) : Schedule()
  }

  /// Meet, and sum the own slice over the node into the own memory.
  var gatherSum: Schedule {
    guard neighbours.count > 1, let slice else { return fence }
    return fence + Schedule([[.sum(slice, over: neighbours, into: [rank])]])
  }

  /// Meet, fetch the slices of the others, meet.
  var spread: Schedule {
    let loads = zip(slices, neighbours).filter { $1 != rank }.map { slice, peer in
      Transfer.load(slice, from: peer, .copy)
    }
    return fence + Schedule([loads]) + fence
  }
}
