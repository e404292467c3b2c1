import Collectives

/// All-reduce by loads and fences: each rank sums its slice straight out of all ranks' memory, then
/// fetches the others' slices. The smallest schedule that shows all of shared memory's rules.
struct SliceAllReduce: AllReduceAlgorithm {
  let name = "slice"
  let summary = "for tests"

  func schedule(rank: Int, topology: Topology, count: Int) -> Schedule {
    let ranks = topology.ranks
    let others = (0..<ranks).filter { $0 != rank }
    func slice(_ rank: Int) -> Range<Int> { evenBlock(rank, of: ranks, count: count) }
    return Schedule([
      [.fence],
      others.map { .load(slice(rank), from: $0, .add) },
      [.fence],
      others.map { .load(slice($0), from: $0, .copy) },
      [.fence],
    ]).withoutEmptyTransfers()
  }
}
