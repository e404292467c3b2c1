// The second half of what the verifier checks: runs all ranks' rounds in any order that messages
// and fences allow (the outcome is the same for all) and follows the contributions.
//
// Cost: O(transfers), and what moving contributions costs.

/// Follows matched schedules from round to round.
struct ScheduleSimulation {
  private let table: TransferTable
  private let nodes: [Int]
  private let contributions: Contributions
  /// Per rank: the round it is in (its number among all ranks' rounds), and how many partners its
  /// round waits for.
  private var round: [Int]
  private var missing: [Int]
  /// Per transfer: whether its round has begun.
  private var hasBegun: [Bool]
  /// Ranks at the fence of each node, and at the library call.
  private var atFence: [[Int]]
  private var nodeSizes: [Int]
  private var atLibrary: [Int] = []
  /// Ranks whose round is complete.
  private var ready: [Int] = []

  init(_ table: TransferTable, nodes: [Int], goal: ScheduleGoal) {
    (self.table, self.nodes) = (table, nodes)
    contributions = Contributions(table, goal: goal)
    round = Array(table.firstRounds.dropLast())
    missing = Array(repeating: 0, count: table.ranks)
    hasBegun = Array(repeating: false, count: table.entries.count)
    nodeSizes = Array(repeating: 0, count: (nodes.max() ?? 0) + 1)
    for node in nodes { nodeSizes[node] += 1 }
    atFence = Array(repeating: [], count: nodeSizes.count)
  }

  /// Runs everything, then checks the outcome.
  mutating func run() throws(ScheduleFault) {
    for rank in 0..<table.ranks { try begin(rank) }
    while let rank = ready.popLast() {
      for index in table.members(round[rank]) { try contributions.complete(index) }
      round[rank] += 1
      try begin(rank)
    }
    if let rank = round.indices.first(where: { !isDone($0) }) { throw deadlock(rank) }
    try contributions.check()
  }

  private func isDone(_ rank: Int) -> Bool { round[rank] == table.firstRounds[rank + 1] }

  private mutating func begin(_ rank: Int) throws(ScheduleFault) {
    guard !isDone(rank) else { return }
    var waits = 0
    for index in table.members(round[rank]) {
      hasBegun[index] = true
      let entry = table.entries[index]
      switch entry.kind {
      case .send, .receive:
        if entry.kind == .send { contributions.pack(index) }
        if !hasBegun[Int(entry.match)] {
          waits += 1
        } else if Int(entry.peer) == rank {
          waits -= 1  // a message to oneself within a round, counted at its other end
        } else {
          release(Int(entry.peer))
        }
      case .fence:
        waits += 1
        atFence[nodes[rank]].append(rank)
      case .library:
        waits += 1
        atLibrary.append(rank)
      case .load, .sum, .add: break
      }
    }
    missing[rank] = waits
    if waits == 0 { ready.append(rank) }
    openFence(nodes[rank])
    try openLibrary()
  }

  private mutating func release(_ rank: Int) {
    missing[rank] -= 1
    if missing[rank] == 0 { ready.append(rank) }
  }

  private mutating func openFence(_ node: Int) {
    guard atFence[node].count == nodeSizes[node] else { return }
    let ranks = atFence[node]
    atFence[node] = []
    for rank in ranks { release(rank) }
  }

  /// All ranks are there: each gets the union of all contributions.
  private mutating func openLibrary() throws(ScheduleFault) {
    guard atLibrary.count == table.ranks else { return }
    atLibrary = []
    for index in table.members(round[0]) where table.entries[index].kind == .library {
      try contributions.callLibrary(index)
    }
    for rank in 0..<table.ranks { release(rank) }
  }

  private func deadlock(_ rank: Int) -> ScheduleFault {
    for index in table.members(round[rank]) {
      let entry = table.entries[index]
      switch entry.kind {
      case .send, .receive:
        guard !hasBegun[Int(entry.match)] else { continue }
        let partner = table.entries[Int(entry.match)]
        let peer = Int(entry.peer)
        return table.fault(
          index,
          "deadlock: waits for rank \(peer) to reach its round \(partner.round), which is "
            + "stuck in round \(round[peer] - table.firstRounds[peer])")
      case .fence, .library:
        return table.fault(index, "deadlock: waits for ranks that never come to this call")
      case .load, .sum, .add: continue
      }
    }
    return ScheduleFault(
      rank: rank, round: round[rank] - table.firstRounds[rank], text: "deadlock")
  }
}
