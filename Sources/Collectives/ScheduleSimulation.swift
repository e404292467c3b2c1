// The second half of what the verifier checks: runs all ranks' rounds in any order that messages
// and fences allow (the outcome is the same for all) and follows the contributions.

/// Follows the sets of contributions through matched schedules.
final class ScheduleSimulation {
  private let table: TransferTable
  private let nodes: [Int]
  private let goal: ScheduleGoal
  private let intervals: Int
  /// Ranks, or lanes.
  private let contributors: Int
  /// 64-bit words of a set of contributors.
  private let words: Int
  /// Contributions of each rank's intervals: (rank, interval, word).
  private let state: UnsafeMutablePointer<UInt64>
  /// Those of messages on their way: (send's interval, word).
  private let cargo: UnsafeMutablePointer<UInt64>
  /// Per rank: the round it is in, and how many partners its round waits for.
  private var round: [Int]
  private var missing: [Int]
  private var hasEntered: [Bool]
  /// Ranks at the fence of each node, and at the library call.
  private var atFence: [[Int]]
  private var atLibrary: [Int] = []
  /// Ranks whose round is complete.
  private var ready: [Int] = []

  init(_ table: TransferTable, nodes: [Int], goal: ScheduleGoal) {
    (self.table, self.nodes, self.goal) = (table, nodes, goal)
    intervals = table.boundaries.count - 1
    contributors =
      if case .laneSum(let owners, _, _, _) = goal { owners.count } else { table.ranks }
    words = (contributors + 63) / 64
    let size = table.ranks * intervals * words
    state = .allocate(capacity: size)
    state.initialize(repeating: 0, count: size)
    cargo = .allocate(capacity: table.cargoCount * words)
    cargo.initialize(repeating: 0, count: table.cargoCount * words)
    round = Array(repeating: 0, count: table.ranks)
    missing = round
    hasEntered = Array(repeating: false, count: table.entries.count)
    atFence = Array(repeating: [], count: (nodes.max() ?? 0) + 1)
    for rank in 0..<table.ranks {
      for interval in 0..<intervals {
        guard let own = contributor(rank, table.boundaries[interval]) else { continue }
        row(rank, interval)[own / 64] = 1 << UInt64(own % 64)
      }
    }
  }

  /// Whose contribution a rank begins with in an element; nil: nobody's.
  private func contributor(_ rank: Int, _ element: Int) -> Int? {
    guard case .laneSum(let owners, let stride, let range, _) = goal else { return rank }
    let lane = element / stride
    return lane < owners.count && owners[lane] == rank && range.contains(element % stride)
      ? lane : nil
  }

  deinit {
    state.deallocate()
    cargo.deallocate()
  }

  private func row(_ rank: Int, _ interval: Int) -> UnsafeMutablePointer<UInt64> {
    state + (rank * intervals + interval) * words
  }

  private func rounds(of rank: Int) -> Int { table.rounds[rank].count - 1 }

  // MARK: order of events

  func run() throws(ScheduleFault) {
    for rank in 0..<table.ranks { try enter(rank) }
    while let rank = ready.popLast() {
      try complete(rank)
      round[rank] += 1
      try enter(rank)
    }
    if let rank = round.indices.first(where: { round[$0] < rounds(of: $0) }) {
      throw deadlock(rank)
    }
  }

  private func members(_ rank: Int) -> Range<Int> {
    table.rounds[rank][round[rank]]..<table.rounds[rank][round[rank] + 1]
  }

  private func enter(_ rank: Int) throws(ScheduleFault) {
    guard round[rank] < rounds(of: rank) else { return }
    var waits = 0
    for index in members(rank) {
      hasEntered[index] = true
      let entry = table.entries[index]
      switch entry.kind {
      case .send, .receive:
        if entry.kind == .send { pack(entry) }
        if hasEntered[entry.match] {
          // A message to oneself within a round has been counted below.
          if entry.peer == rank { waits -= 1 } else { release(entry.peer) }
        } else {
          waits += 1
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

  private func release(_ rank: Int) {
    missing[rank] -= 1
    if missing[rank] == 0 { ready.append(rank) }
  }

  private func openFence(_ node: Int) {
    guard !atFence[node].isEmpty,
      atFence[node].count == nodes.count(where: { $0 == node })
    else { return }
    let ranks = atFence[node]
    atFence[node] = []
    for rank in ranks { release(rank) }
  }

  /// All ranks are there: each gets the union of all contributions.
  private func openLibrary() throws(ScheduleFault) {
    guard atLibrary.count == table.ranks else { return }
    atLibrary = []
    guard let call = table.entries[members(0)].first(where: { $0.kind == .library }) else { return }
    for interval in call.first..<call.last {
      let total = row(0, interval)
      for rank in 1..<max(1, table.ranks) {
        let added = row(rank, interval)
        for word in 0..<words {
          if total[word] & added[word] != 0 {
            throw ScheduleFault(
              rank: rank, round: round[rank],
              text: "the library call adds contributions that are already in the sum: elements "
                + "\(elements(interval))")
          }
          total[word] |= added[word]
        }
      }
      for rank in 1..<max(1, table.ranks) {
        row(rank, interval).update(from: total, count: words)
      }
    }
    for rank in 0..<table.ranks { release(rank) }
  }

  // MARK: contributions

  private func pack(_ send: TransferTable.Entry) {
    (cargo + send.cargo * words).update(
      from: row(send.rank, send.first), count: (send.last - send.first) * words)
  }

  private func complete(_ rank: Int) throws(ScheduleFault) {
    for index in members(rank) {
      let entry = table.entries[index]
      let length = entry.last - entry.first
      switch entry.kind {
      case .send, .fence, .library: continue
      case .receive:
        let source = cargo + table.entries[entry.match].cargo * words
        try take(index, source, into: row(rank, entry.first), length, adds: entry.adds)
      case .load:
        let source = row(entry.peer, entry.first)
        try take(index, source, into: row(rank, entry.first), length, adds: entry.adds)
      case .add:
        let target = row(rank, table.interval(at: entry.match))
        try take(index, row(rank, entry.first), into: target, length, adds: true)
      case .sum:
        let (over, into) = table.groups[entry.match]
        // Summed in place of the first, whose old contributions nobody can miss: they are in it.
        let sum = row(over[0], entry.first)
        let first = Array(UnsafeBufferPointer(start: sum, count: length * words))
        for peer in over.dropFirst() {
          try take(index, row(peer, entry.first), into: sum, length, adds: true)
        }
        for peer in into where peer != over[0] {
          row(peer, entry.first).update(from: sum, count: length * words)
        }
        if !into.contains(over[0]) { sum.update(from: first, count: length * words) }
      }
    }
  }

  /// Contributions of `length` intervals arrive.
  private func take(
    _ index: Int, _ source: UnsafeMutablePointer<UInt64>,
    into target: UnsafeMutablePointer<UInt64>, _ length: Int, adds: Bool
  ) throws(ScheduleFault) {
    guard adds else {
      target.update(from: source, count: length * words)
      return
    }
    var place = 0
    while place < length * words {
      let twice = target[place] & source[place]
      if twice != 0 {
        let contributor = place % words * 64 + twice.trailingZeroBitCount
        throw table.fault(
          index,
          "adds \(noun) \(contributor)'s contribution a second time to elements "
            + "\(elements(table.entries[index].first + place / words))")
      }
      target[place] |= source[place]
      place += 1
    }
    if case .laneSum = goal { try checkPresence(index, source, target, length) }
  }

  private var noun: String { if case .laneSum = goal { "lane" } else { "rank" } }

  /// Where ranks begin with nothing in some elements, nothing must not be added.
  private func checkPresence(
    _ index: Int, _ source: UnsafeMutablePointer<UInt64>, _ target: UnsafeMutablePointer<UInt64>,
    _ length: Int
  ) throws(ScheduleFault) {
    for interval in 0..<length {
      let places = interval * words..<(interval + 1) * words
      if places.allSatisfy({ source[$0] == 0 }) || places.allSatisfy({ source[$0] == target[$0] }) {
        throw table.fault(index, "adds elements that hold nothing yet, or adds to such")
      }
    }
  }

  private func elements(_ interval: Int) -> Range<Int> {
    table.boundaries[interval]..<table.boundaries[interval + 1]
  }

  // MARK: outcome

  private func deadlock(_ rank: Int) -> ScheduleFault {
    for index in members(rank) {
      let entry = table.entries[index]
      switch entry.kind {
      case .send, .receive:
        guard !hasEntered[entry.match] else { continue }
        let partner = table.entries[entry.match]
        return table.fault(
          index,
          "deadlock: waits for rank \(entry.peer) to reach its round \(partner.round), which is "
            + "stuck in round \(round[entry.peer])")
      case .fence, .library:
        return table.fault(index, "deadlock: waits for ranks that never come to this call")
      case .load, .sum, .add: continue
      }
    }
    return ScheduleFault(rank: rank, round: round[rank], text: "deadlock")
  }

  func check() throws(ScheduleFault) {
    for rank in 0..<table.ranks {
      switch goal {
      case .allReduce: try check(rank, 0..<table.count, owner: nil)
      case .reduceScatter(let ranges): try check(rank, ranges[rank], owner: nil)
      case .allGather(let ranges):
        for (owner, range) in ranges.enumerated() { try check(rank, range, owner: owner) }
      case .laneSum(_, _, _, let parts): try check(rank, parts[rank], owner: nil)
      }
    }
  }

  /// Elements of `range` must hold everybody's contribution, or the owner's alone.
  private func check(_ rank: Int, _ range: Range<Int>, owner: Int?) throws(ScheduleFault) {
    let wanted = (0..<words).map { word in
      let members = (64 * word..<min(64 * word + 64, contributors))
      return members.reduce(UInt64(0)) { owner ?? $1 == $1 ? $0 | 1 << UInt64($1 % 64) : $0 }
    }
    let (first, last) = (table.interval(at: range.lowerBound), table.interval(at: range.upperBound))
    for interval in first..<last {
      let found = row(rank, interval)
      for word in 0..<words where found[word] != wanted[word] {
        let contributor = 64 * word + (found[word] ^ wanted[word]).trailingZeroBitCount
        let isThere = owner != contributor && owner != nil
        throw ScheduleFault(
          rank: rank, round: rounds(of: rank),
          text: "elements \(elements(interval)) end \(isThere ? "with" : "without") \(noun) "
            + "\(contributor)'s contribution")
      }
    }
  }
}
