// Recursive halving, then recursive doubling: pairs of ranks exchange halves of what they still
// have to sum, until each has one finished block; the blocks come together the same way back.
// Optimal in bytes and logarithmic in rounds where the number of ranks is a power of two.
//
// Where it is none, ranks first fold into groups (see `Folding`): the second rank of a group gives
// its vector to the first, and gets the sum from it in the end, which about doubles the elements.
//
// R. Rabenseifner: Optimization of collective reduction operations, International Conference on
// Computational Science (2004), Springer LNCS 3036.
//
//   rounds   2 log2 n, or 2 + 2 floor(log2 n)
//   messages 2 log2 n per rank
//   elements 2 count (n - 1) / n per rank; first ranks of folded groups up to count more

/// All-reduce that is optimal in bytes in a logarithmic number of rounds.
public struct HalvingDoublingAllReduce: AllReduceAlgorithm {
  public let name = "halving-doubling"
  public let summary = "optimal in bytes, few rounds: best if the ranks are a power of two"

  /// The algorithm; it has no parameters.
  public init() {}

  /// Fold, halve, double, unfold.
  public func schedule(rank: Int, topology: Topology, count: Int) -> Schedule {
    let place = Place(rank, topology.ranks, count)
    if let leader = place.leader {
      return Schedule([
        [.send(0..<count, to: leader)], [.receive(0..<count, from: leader, .copy)],
      ]).withoutEmptyTransfers()
    }
    var rounds = place.foldIn + place.halving + place.doubling
    if let second = place.second { rounds.append([.send(0..<count, to: second)]) }
    return Schedule(rounds).withoutEmptyTransfers()
  }

  /// Block number `rank`.
  public func owned(by rank: Int, topology: Topology, count: Int) -> Range<Int> {
    evenBlock(rank, of: topology.ranks, count: count)
  }

  /// Fold and halve; then the second rank of a group gets its block.
  public func reduceScatter(rank: Int, topology: Topology, count: Int) -> Schedule {
    let place = Place(rank, topology.ranks, count)
    if let leader = place.leader {
      return Schedule([
        [.send(0..<count, to: leader)], [.receive(place.block(of: rank), from: leader, .copy)],
      ]).withoutEmptyTransfers()
    }
    var rounds = place.foldIn + place.halving
    if let second = place.second { rounds.append([.send(place.block(of: second), to: second)]) }
    return Schedule(rounds).withoutEmptyTransfers()
  }

  /// The second rank of a group gives its block to the first; double; it gets all the others.
  public func allGather(rank: Int, topology: Topology, count: Int) -> Schedule {
    let place = Place(rank, topology.ranks, count)
    func others(_ block: Range<Int>) -> [Range<Int>] {
      [0..<block.lowerBound, block.upperBound..<count]
    }
    if let leader = place.leader {
      let own = place.block(of: rank)
      return Schedule([
        [.send(own, to: leader)], others(own).map { .receive($0, from: leader, .copy) },
      ]).withoutEmptyTransfers()
    }
    var rounds = place.doubling
    if let second = place.second {
      let block = place.block(of: second)
      rounds.insert([.receive(block, from: second, .copy)], at: 0)
      rounds.append(others(block).map { .send($0, to: second) })
    }
    return Schedule(rounds).withoutEmptyTransfers()
  }
}

/// What a rank has to do with whom.
private struct Place {
  let folding: Folding
  let group: Int
  let count: Int
  /// The rank that acts for this one, if another does.
  let leader: Int?
  /// The rank that this one acts for besides itself.
  let second: Int?

  init(_ rank: Int, _ ranks: Int, _ count: Int) {
    folding = Folding(ranks: ranks)
    group = folding.group(of: rank)
    self.count = count
    leader = folding.leader(of: group) == rank ? nil : folding.leader(of: group)
    second = leader == nil ? folding.second(of: group) : nil
  }

  func block(of rank: Int) -> Range<Int> { evenBlock(rank, of: folding.ranks, count: count) }

  /// The blocks of the ranks of some groups.
  private func blocks(of groups: Range<Int>) -> Range<Int> {
    block(of: folding.leader(of: groups.lowerBound))
      .lowerBound..<block(of: folding.leader(of: groups.upperBound) - 1).upperBound
  }

  var foldIn: [[Transfer]] { second.map { [[.receive(0..<count, from: $0, .add)]] } ?? [] }

  /// Exchanges, the widest first: of 2 d neighbouring groups' blocks each rank keeps the d that its
  /// own are among, and its partner, d groups away, has the others.
  private var exchanges: [(peer: Int, kept: Range<Int>, given: Range<Int>)] {
    var result: [(peer: Int, kept: Range<Int>, given: Range<Int>)] = []
    var distance = folding.groups / 2
    while distance > 0 {
      let own = group / distance * distance
      let other = own ^ distance
      result.append(
        (
          folding.leader(of: group ^ distance), blocks(of: own..<own + distance),
          blocks(of: other..<other + distance)
        ))
      distance /= 2
    }
    return result
  }

  var halving: [[Transfer]] {
    exchanges.map { [.receive($0.kept, from: $0.peer, .add), .send($0.given, to: $0.peer)] }
  }

  var doubling: [[Transfer]] {
    exchanges.reversed().map {
      [.receive($0.given, from: $0.peer, .copy), .send($0.kept, to: $0.peer)]
    }
  }
}
