// Proves a schedule right for all ranks without starting one: no numbers are added, but the sets
// of ranks whose contributions each element has received are followed from round to round.
//
// Elements between two consecutive ends of ranges share their fate, so what is followed is a few
// intervals per rank rather than every element; a set of ranks is a row of bits.
//
// Messages are taken to be handed over by rendezvous, the strictest thing a library may do: a
// round with a send ends only when the receiver has come to the matching receive.
//
// Cost: O(transfers x intervals per transfer x ranks / 64) time, O(ranks^2 (intervals + 1)) memory.

/// What a set of schedules is meant to do.
public enum ScheduleGoal: Sendable {
  /// Every rank ends with the sum over all ranks.
  case allReduce
  /// Each rank ends with the sum over all ranks in its own range.
  case reduceScatter([Range<Int>])
  /// Every rank ends with the owner's values in each owner's range.
  case allGather([Range<Int>])
  /// The vector holds one slot of `stride` elements per lane; of each slot's `range`, `owners` says
  /// which rank begins with that lane's values, and what other ranks have there is nothing. Each
  /// rank ends with the sum over all lanes in slot 0, in its part of `range`.
  case laneSum(owners: [Int], stride: Int, range: Range<Int>, parts: [Range<Int>])
}

/// Checks schedules symbolically.
public enum ScheduleVerifier {
  /// Checks what `algorithm` gives for all of `ranks`, each on a node of its own if that is
  /// possible, else on one node.
  public static func verify(_ algorithm: any AllReduceAlgorithm, ranks: Int, count: Int)
    throws(ScheduleFault)
  {
    let scattered = Topology.scattered(ranks)
    try verify(
      algorithm, algorithm.objection(to: scattered) == nil ? scattered : .oneNode(ranks),
      count: count)
  }

  /// Checks the all-reduce of `algorithm` and its two halves.
  public static func verify(
    _ algorithm: any AllReduceAlgorithm, _ topology: Topology, count: Int
  ) throws(ScheduleFault) {
    let ranks = 0..<topology.ranks
    let owned = ranks.map { algorithm.owned(by: $0, topology: topology, count: count) }
    try verify(
      ranks.map { algorithm.schedule(rank: $0, topology: topology, count: count) },
      count: count, nodes: topology.nodes)
    try verify(
      ranks.map { algorithm.reduceScatter(rank: $0, topology: topology, count: count) },
      count: count, nodes: topology.nodes, goal: .reduceScatter(owned))
    try verify(
      ranks.map { algorithm.allGather(rank: $0, topology: topology, count: count) },
      count: count, nodes: topology.nodes, goal: .allGather(owned))
  }

  /// Checks that the schedules of all ranks together reach their goal.
  ///
  /// - Parameters:
  ///   - schedules: one per rank.
  ///   - count: elements of the vector.
  ///   - nodes: which node each rank lies on, 0 ..< ranks; one node if nil. Fences and reaches into
  ///     memory stay within a node.
  /// - Throws: the first fault: a range or peer that does not exist; a send without its receive or
  ///   the reverse, or with another range; arrivals of one round that overwrite each other; memory
  ///   that is read while another rank may be writing it; a deadlock; a contribution that is added
  ///   twice; a result that is not complete; owners that do not cover the vector.
  public static func verify(
    _ schedules: [Schedule], count: Int, nodes: [Int]? = nil, goal: ScheduleGoal = .allReduce
  ) throws(ScheduleFault) {
    guard !schedules.isEmpty else { return }
    let nodes = nodes ?? Array(repeating: 0, count: schedules.count)
    precondition(nodes.count == schedules.count, "one node per rank")
    try goal.checkCover(count)
    let table = try TransferTable(schedules, count: count, nodes: nodes, ends: goal.ends)
    try LoadCheck.verify(table)
    var simulation = ScheduleSimulation(table, nodes: nodes, goal: goal)
    try simulation.run()
  }
}

extension ScheduleGoal {
  /// Elements at which what is wanted changes.
  var ends: [Int] {
    switch self {
    case .allReduce: []
    case .reduceScatter(let ranges), .allGather(let ranges):
      ranges.flatMap { [$0.lowerBound, $0.upperBound] }
    case .laneSum(let owners, let stride, let range, let parts):
      (owners.indices.map { range.lowerBound + $0 * stride }
        + owners.indices.map { range.upperBound + $0 * stride })
        + parts.flatMap { [$0.lowerBound, $0.upperBound] }
    }
  }

  /// Every element must have one owner.
  func checkCover(_ count: Int) throws(ScheduleFault) {
    switch self {
    case .reduceScatter(let ranges), .allGather(let ranges):
      var end = 0
      for range in ranges.filter({ !$0.isEmpty }).sorted(by: { $0.lowerBound < $1.lowerBound }) {
        guard range.lowerBound == end else { break }
        end = range.upperBound
      }
      guard end == count else {
        throw ScheduleFault(rank: 0, round: 0, text: "no single rank owns element \(end)")
      }
    case .allReduce, .laneSum: break
    }
  }
}
