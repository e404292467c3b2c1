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
}

/// Checks schedules symbolically.
public enum ScheduleVerifier {
  /// Checks what `algorithm` gives for all of `ranks`.
  public static func verify(_ algorithm: any AllReduceAlgorithm, ranks: Int, count: Int)
    throws(ScheduleFault)
  {
    try verify(
      (0..<ranks).map { algorithm.schedule(rank: $0, ranks: ranks, count: count) }, count: count)
  }

  /// Checks that the schedules of all ranks together reach their goal.
  ///
  /// - Parameters:
  ///   - schedules: one per rank.
  ///   - count: elements of the vector.
  ///   - nodes: which node each rank lies on, 0 ..< ranks; one node if nil. Fences and loads stay
  ///     within a node.
  /// - Throws: the first fault: a range or peer that does not exist; a send without its receive or
  ///   the reverse, or with another range; arrivals of one round that overwrite each other; memory
  ///   that is loaded while its owner may be writing it; a deadlock; a contribution that is added
  ///   twice; a result that is not complete.
  public static func verify(
    _ schedules: [Schedule], count: Int, nodes: [Int]? = nil, goal: ScheduleGoal = .allReduce
  ) throws(ScheduleFault) {
    guard !schedules.isEmpty else { return }
    let nodes = nodes ?? Array(repeating: 0, count: schedules.count)
    precondition(nodes.count == schedules.count, "one node per rank")
    let table = try TransferTable(schedules, count: count, nodes: nodes)
    try LoadCheck.verify(table, nodes: nodes)
    let simulation = ScheduleSimulation(table, nodes: nodes)
    try simulation.run()
    try simulation.check(goal)
  }
}
