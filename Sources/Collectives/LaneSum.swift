// The sum over lanes: a fixed number of parts of the step's samples, whose gradients are added in a
// binary tree that depends on the number of lanes alone. However the lanes are dealt to ranks, the
// sum has the same bits.
//
//   lanes      0   1   2   3   4   5          node [x, x + 2^k) takes in [x + 2^k, x + 2^(k+1)),
//              |___|   |___|   |___|          for growing k, if there is any of it
//                |_______|       |
//                    |___________|
//
// A rank computes consecutive lanes, one after the other, and adds what is complete: what is left
// are its roots, the largest nodes that lie within its lanes. Every rank finishes the sum of its
// block of each bucket: it takes in that block of all roots, by messages, or straight out of the
// memory of ranks of its node, and adds what is left of the tree. Then blocks are spread.
//
// A lane's gradient lies in a slot of the gradient vector. Roots have slots of their own, numbered
// over all ranks; behind them are as many as any rank needs for nodes that wait to be added. The
// sum appears in slot 0.
//
//   rounds   4, and the fences of a node
//   messages n - 1 for each root of a rank, and n - 1; a rank has at most 2 log2(L / n) + 2 roots
//   elements count (n - 1) / n for each root, and as many for the sum
//   memory   on each rank as many slots as there are roots on all, and log2(L / n) or fewer; never
//            more than L: 4 for L = 8 on one or two ranks, 8 on eight
//
// Kin: virtual nodes (Or, Zhang, Freedman: VirtualFlow, MLSys 2022), EasyScale's threads (Li et al.,
// SC 2023); pairwise trees as in Demmel, Nguyen: Parallel reproducible summation, 2015.

/// Sums the gradients of lanes over ranks, in one order for any number of ranks.
public struct LaneSum: Sendable {
  /// What a rank does with one lane: compute it into a slot, then add slots.
  public struct Step: Sendable, Equatable {
    /// The lane.
    public let lane: Int
    /// Where its gradient goes.
    public let slot: Int
    /// What becomes complete with it: each source is added to its target, in this order.
    public let additions: [Addition]

    /// One lane's work.
    public init(lane: Int, slot: Int, additions: [Addition]) {
      (self.lane, self.slot, self.additions) = (lane, slot, additions)
    }
  }

  /// The values of one slot are added to those of another.
  public struct Addition: Sendable, Equatable {
    /// The slots.
    public let source, target: Int
  }

  /// Parts of a step's samples.
  public let lanes: Int
  /// The ranks.
  public let topology: Topology
  /// Floats from one slot to the next.
  public let stride: Int
  /// Slots of the gradient vector.
  public let slots: Int
  /// The rank that holds the root in each slot from 0 on.
  public let owners: [Int]

  private let steps: [[Step]]
  /// What is left of the tree when all roots are there.
  private let additions: [Addition]

  /// - Parameters:
  ///   - lanes: at least as many as ranks.
  ///   - stride: length of a gradient, tally included, or more.
  public init(lanes: Int, topology: Topology, stride: Int) {
    precondition(lanes >= topology.ranks, "every rank needs a lane")
    (self.lanes, self.topology, self.stride) = (lanes, topology, stride)
    let forests = (0..<topology.ranks).map { rank in
      LaneForest(of: Self.lanes(of: rank, ranks: topology.ranks, lanes: lanes), among: lanes)
    }
    owners = forests.enumerated().flatMap { rank, forest in
      Array(repeating: rank, count: forest.roots.count)
    }
    let (forestOwners, roots) = (owners, forests.flatMap(\.roots))
    // A node that waits at the bottom of the rank's stack will be a root.
    func slot(_ depth: Int, of rank: Int) -> Int {
      let first = forestOwners.firstIndex(of: rank) ?? 0
      let count = forests[rank].roots.count
      return depth < count ? first + depth : roots.count + depth - count
    }
    slots =
      roots.count + (forests.map { $0.deepest - $0.roots.count }.max() ?? 0)
    steps = forests.enumerated().map { rank, forest in
      forest.steps.map { step in
        Step(
          lane: step.lane, slot: slot(step.depth, of: rank),
          additions: (0..<step.merges).map {
            Addition(
              source: slot(step.depth - $0, of: rank), target: slot(step.depth - $0 - 1, of: rank))
          })
      }
    }
    additions = Self.additions(roots: roots, lanes: lanes)
  }

  /// The lanes of a rank: neighbours, as many as the others' or one more or less.
  public static func lanes(of rank: Int, ranks: Int, lanes: Int) -> Range<Int> {
    lanes * rank / ranks..<lanes * (rank + 1) / ranks
  }

  /// What a rank does with its lanes, in order.
  public func steps(of rank: Int) -> [Step] { steps[rank] }

  /// Slots that a rank writes all of when it computes its lanes.
  public func ownSlots(of rank: Int) -> Set<Int> { Set(steps[rank].map(\.slot)) }

  private static func additions(roots: [Int], lanes: Int) -> [Addition] {
    var slots: [Int: Int] = [:]  // by first lane
    for (slot, lane) in roots.enumerated() { slots[lane] = slot }
    var result: [Addition] = []
    var size = 1
    while size < lanes {
      // Where one of the two lies within a root, both do.
      for lane in Swift.stride(from: 0, to: lanes - size, by: 2 * size) {
        if let target = slots[lane], let source = slots[lane + size] {
          result.append(Addition(source: source, target: target))
        }
      }
      size *= 2
    }
    return result
  }

  // MARK: schedules on the vector of all slots, for elements `range` of every slot

  /// The elements of `range` whose sum `rank` finishes.
  public func owned(by rank: Int, _ range: Range<Int>) -> Range<Int> {
    let block = evenBlock(rank, of: topology.ranks, count: range.count)
    return range.lowerBound + block.lowerBound..<range.lowerBound + block.upperBound
  }

  /// What `rank` does, once its roots are complete, so that slot 0 holds the sum of what it owns.
  public func reduceScatter(rank: Int, _ range: Range<Int>) -> Schedule {
    Schedule(gatherRoots(rank, range) + fence(rank)).withoutEmptyTransfers()
  }

  /// What `rank` does so that it has all of `range` that others have finished in slot 0.
  public func allGather(rank: Int, _ range: Range<Int>) -> Schedule {
    Schedule(spread(rank, range)).withoutEmptyTransfers()
  }

  /// What `rank` does, once its roots are complete, so that slot 0 holds the sum.
  public func schedule(rank: Int, _ range: Range<Int>) -> Schedule {
    Schedule(gatherRoots(rank, range) + spread(rank, range)).withoutEmptyTransfers()
  }

  private func isNeighbour(_ one: Int, _ other: Int) -> Bool {
    topology.nodes[one] == topology.nodes[other]
  }

  /// Ranks other than `rank`, the next one first.
  private func others(_ rank: Int) -> [Int] {
    (1..<max(topology.ranks, 1)).map { (rank + $0) % topology.ranks }
  }

  private func fence(_ rank: Int) -> [[Transfer]] {
    topology.members[topology.nodes[rank]].count > 1 ? [[.fence]] : []
  }

  private func gatherRoots(_ rank: Int, _ range: Range<Int>) -> [[Transfer]] {
    func part(_ slot: Int, _ owner: Int) -> Range<Int> {
      let owned = owned(by: owner, range)
      return slot * stride + owned.lowerBound..<slot * stride + owned.upperBound
    }
    func roots(of rank: Int) -> [Int] { owners.indices.filter { owners[$0] == rank } }
    let arrivals = others(rank).flatMap { peer in
      roots(of: peer).map { slot -> Transfer in
        isNeighbour(peer, rank)
          ? .load(part(slot, rank), from: peer, .copy)
          : .receive(part(slot, rank), from: peer, .copy)
      }
    }
    let sends = others(rank).filter { !isNeighbour($0, rank) }.flatMap { peer in
      roots(of: rank).map { Transfer.send(part($0, peer), to: peer) }
    }
    let sums = additions.map {
      Transfer.add(part($0.source, rank), to: part($0.target, rank).lowerBound)
    }
    return fence(rank) + [arrivals + sends, sums]
  }

  /// To other nodes by messages, then within the node: what is sent must not be read meanwhile.
  private func spread(_ rank: Int, _ range: Range<Int>) -> [[Transfer]] {
    let far = others(rank).filter { !isNeighbour($0, rank) }
    let near = others(rank).filter { isNeighbour($0, rank) }
    func block(_ rank: Int) -> Range<Int> { owned(by: rank, range) }
    let messages: [Transfer] =
      far.map { .receive(block($0), from: $0, .copy) } + far.map { .send(block(rank), to: $0) }
    return [messages] + fence(rank) + [near.map { .load(block($0), from: $0, .copy) }] + fence(rank)
  }
}
