// Many schedules look the same from every rank: a ring turned by one place is the same ring, and
// recursive doubling is the same after an exclusive or of all ranks with a constant. On a cluster of
// equal nodes such ranks do the same at the same time, so that a few of them tell the time of all;
// what they receive from the others is what their likes among them send. Without that, a ring of
// 16,384 ranks has 2^29 messages.
//
// Nothing here knows any algorithm: programs are compared, all of them where there are few nodes,
// else samples. Sends and receives of the representatives must match afterwards, too.

/// Relabels all ranks without changing who does what to whom.
enum Symmetry: Equatable {
  /// Every rank for itself.
  case none
  /// Rank r becomes (r + k) mod n, k a multiple of the ranks per node.
  case rotation
  /// Rank r becomes r xor k; the number of ranks is a power of two.
  case reflection
  /// The ranks of every node change places by rotation.
  case places
}

/// Some ranks that stand for all; numbered from 0 to `count`.
struct Representatives {
  let symmetry: Symmetry
  /// Ranks in all, and on each node.
  let ranks, perNode: Int

  /// Every rank for itself.
  init(all ranks: Int) { self.init(.none, ranks: ranks, perNode: 1) }

  init(_ symmetry: Symmetry, ranks: Int, perNode: Int) {
    (self.symmetry, self.ranks, self.perNode) = (symmetry, ranks, perNode)
  }

  /// Number of representatives.
  var count: Int {
    switch symmetry {
    case .none: ranks
    case .rotation, .reflection: perNode
    case .places: ranks / perNode
    }
  }

  /// The rank that is a representative.
  func rank(of representative: Int) -> Int {
    symmetry == .places ? representative * perNode : representative
  }

  /// Who stands for a rank.
  func representative(of rank: Int) -> Int {
    switch symmetry {
    case .none: rank
    case .rotation, .reflection: rank % perNode
    case .places: rank / perNode
    }
  }

  /// What stays the same about a pair of ranks, when both are relabelled.
  func relation(_ from: Int, _ to: Int) -> Int {
    switch symmetry {
    case .none: to
    case .rotation: from <= to ? to - from : to - from + ranks
    case .reflection: from ^ to
    case .places:
      to / perNode * perNode + (to % perNode - from % perNode + perNode) % perNode
    }
  }

  /// The share of all ranks that is followed, and of the ranks of a node that is.
  var share: Double { Double(count) / Double(ranks) }
  var shareOfNode: Double { symmetry == .places ? 1 / Double(perNode) : 1 }
}

extension Representatives {
  /// Looks for a symmetry of the programs that keeps nodes together.
  ///
  /// - Parameter programs: what a rank does, stage by stage.
  /// - Returns: nil if there is none.
  static func find(
    _ topology: Topology,
    programs: (Int) throws(SimulationError) -> [RankProgram]
  ) throws(SimulationError) -> Representatives? {
    let ranks = topology.ranks, perNode = topology.members[0].count
    guard ranks > 1, ranks % perNode == 0,
      topology.nodes.indices.allSatisfy({ topology.nodes[$0] == $0 / perNode })
    else { return nil }
    var candidates: [Representatives] = []
    func consider(_ symmetry: Symmetry) {
      candidates.append(Representatives(symmetry, ranks: ranks, perNode: perNode))
    }
    if ranks > perNode { consider(.rotation) }
    if ranks > perNode, ranks & (ranks - 1) == 0 { consider(.reflection) }
    if perNode > 1 { consider(.places) }
    var known: [Int: [RankProgram]] = [:]
    let length = try programs(0).reduce(0) { $0 + $1.instructions.count }
    for node in samples(ranks / perNode, few: length > 10_000) {
      for rank in node * perNode..<(node + 1) * perNode {
        let own = try programs(rank)
        if candidates.contains(where: { $0.rank(of: $0.representative(of: rank)) == rank }) {
          known[rank] = own
        }
        candidates.removeAll { candidate in
          let other = candidate.rank(of: candidate.representative(of: rank))
          guard let others = known[other] else { return true }
          return !zip(others, own).allSatisfy { candidate.isSame($0, other, $1, rank) }
        }
        if candidates.isEmpty { return nil }
      }
    }
    return candidates.min { $0.count < $1.count }
  }

  /// All of a few nodes, else those near both ends, the middle and the thirds, and some from
  /// everywhere; not many of long programs. Node 0 comes first.
  private static func samples(_ nodes: Int, few: Bool) -> [Int] {
    guard nodes > 64 else { return Array(0..<nodes) }
    let anywhere = (1...5).map { ($0 * 7_368_787) % (nodes - 1) + 1 }
    if few { return [0, 1, nodes / 2, nodes - 1, anywhere[0]] }
    return [0, 1, 2, 3, nodes / 3, nodes / 2 - 1, nodes / 2, nodes * 2 / 3, nodes - 2, nodes - 1]
      + anywhere
  }

  /// Whether rank `b` does relative to itself what rank `a` does relative to itself.
  private func isSame(_ one: RankProgram, _ a: Int, _ other: RankProgram, _ b: Int) -> Bool {
    func same(_ x: [RankProgram.End], _ y: [RankProgram.End]) -> Bool {
      x.count == y.count
        && x.indices.allSatisfy {
          x[$0].bytes == y[$0].bytes
            && relation(a, Int(x[$0].peer)) == relation(b, Int(y[$0].peer))
        }
    }
    return one.instructions == other.instructions && same(one.sends, other.sends)
      && same(one.receives, other.receives)
  }
}
