// Whose contributions each interval of each rank's vector has received: a set of ranks (or lanes)
// is a row of bits.
//
// Cost: ranks x intervals x contributors / 8 bytes of memory, and those of messages on their way.

/// Sets of contributions, as transfers move them.
final class Contributions {
  private let table: TransferTable
  private let goal: ScheduleGoal
  private let intervals: Int
  /// Ranks, or lanes.
  private let contributors: Int
  /// 64-bit words of a set of contributors.
  private let words: Int
  /// Each rank's: (rank, interval, word).
  private let state: UnsafeMutablePointer<UInt64>
  /// Those of messages on their way, by the send's entry: (interval, word).
  private let cargo: UnsafeMutablePointer<UnsafeMutablePointer<UInt64>?>

  init(_ table: TransferTable, goal: ScheduleGoal) {
    (self.table, self.goal) = (table, goal)
    intervals = table.boundaries.count - 1
    contributors =
      if case .laneSum(let owners, _, _, _) = goal { owners.count } else { table.ranks }
    words = (contributors + 63) / 64
    let size = table.ranks * intervals * words
    state = .allocate(capacity: size)
    state.initialize(repeating: 0, count: size)
    cargo = .allocate(capacity: table.entries.count)
    cargo.initialize(repeating: nil, count: table.entries.count)
    for rank in 0..<table.ranks {
      for interval in 0..<intervals {
        guard let own = contributor(rank, table.boundaries[interval]) else { continue }
        row(rank, interval)[own / 64] = 1 << UInt64(own % 64)
      }
    }
  }

  deinit {
    for index in 0..<table.entries.count { cargo[index]?.deallocate() }
    cargo.deallocate()
    state.deallocate()
  }

  /// Whose contribution a rank begins with in an element; nil: nobody's.
  private func contributor(_ rank: Int, _ element: Int) -> Int? {
    guard case .laneSum(let owners, let stride, let range, _) = goal else { return rank }
    let lane = element / stride
    return lane < owners.count && owners[lane] == rank && range.contains(element % stride)
      ? lane : nil
  }

  private func row(_ rank: Int, _ interval: Int) -> UnsafeMutablePointer<UInt64> {
    state + (rank * intervals + interval) * words
  }

  // MARK: moves

  /// A message sets out.
  func pack(_ index: Int) {
    let send = table.entries[index]
    let size = Int(send.last - send.first) * words
    let piece = UnsafeMutablePointer<UInt64>.allocate(capacity: max(1, size))
    piece.initialize(from: row(Int(send.rank), Int(send.first)), count: size)
    cargo[index] = piece
  }

  /// A transfer is complete.
  func complete(_ index: Int) throws(ScheduleFault) {
    let entry = table.entries[index]
    let (rank, first) = (Int(entry.rank), Int(entry.first))
    switch entry.kind {
    case .send, .fence, .library: return
    case .receive:
      let send = Int(entry.match)
      guard let source = cargo[send] else { preconditionFailure("the message has not set out") }
      try take(index, source, into: row(rank, first), adds: entry.adds)
      source.deallocate()
      cargo[send] = nil
    case .load:
      try take(index, row(Int(entry.peer), first), into: row(rank, first), adds: entry.adds)
    case .add:
      let target = row(rank, table.interval(at: entry.target))
      try take(index, row(rank, first), into: target, adds: true)
    case .sum: try sum(index)
    }
  }

  private func sum(_ index: Int) throws(ScheduleFault) {
    let entry = table.entries[index]
    let (over, into) = table.groups[Int(entry.match)]
    let (first, size) = (Int(entry.first), Int(entry.last - entry.first) * words)
    // Summed in place of the first that is read; what it had is put back if it is not written.
    let sum = row(over[0], first)
    let before = into.contains(over[0]) ? [] : Array(UnsafeBufferPointer(start: sum, count: size))
    for peer in over.dropFirst() { try take(index, row(peer, first), into: sum, adds: true) }
    for peer in into where peer != over[0] { row(peer, first).update(from: sum, count: size) }
    before.withUnsafeBufferPointer { before in
      if let start = before.baseAddress { sum.update(from: start, count: before.count) }
    }
  }

  /// Contributions of an entry's intervals arrive.
  private func take(
    _ index: Int, _ source: UnsafeMutablePointer<UInt64>,
    into target: UnsafeMutablePointer<UInt64>, adds: Bool
  ) throws(ScheduleFault) {
    let entry = table.entries[index]
    let size = Int(entry.last - entry.first) * words
    guard adds else {
      target.update(from: source, count: size)
      return
    }
    var twice: UInt64 = 0
    for place in 0..<size { twice |= target[place] & source[place] }
    if twice != 0 { throw addedTwice(index, source, target) }
    if case .laneSum = goal { try checkPresence(index, source, target) }
    for place in 0..<size { target[place] |= source[place] }
  }

  /// The library sums an interval range over all ranks.
  func callLibrary(_ index: Int) throws(ScheduleFault) {
    for interval in Int(table.entries[index].first)..<Int(table.entries[index].last) {
      let total = row(0, interval)
      for rank in 1..<table.ranks {
        let added = row(rank, interval)
        for word in 0..<words {
          if total[word] & added[word] != 0 {
            throw ScheduleFault(
              rank: rank, round: Int(table.entries[index].round),
              text: "the library call adds contributions that are already in the sum: elements "
                + "\(table.elements(interval))")
          }
          total[word] |= added[word]
        }
      }
      for rank in 1..<table.ranks { row(rank, interval).update(from: total, count: words) }
    }
  }

  // MARK: faults

  private var noun: String { if case .laneSum = goal { "lane" } else { "rank" } }

  private func addedTwice(
    _ index: Int, _ source: UnsafeMutablePointer<UInt64>, _ target: UnsafeMutablePointer<UInt64>
  ) -> ScheduleFault {
    var place = 0
    while target[place] & source[place] == 0 { place += 1 }
    let bit = (target[place] & source[place]).trailingZeroBitCount
    return table.fault(
      index,
      "adds \(noun) \(place % words * 64 + bit)'s contribution a second time to elements "
        + "\(table.elements(Int(table.entries[index].first) + place / words))")
  }

  /// Where ranks begin with nothing in some elements, nothing must not be added.
  private func checkPresence(
    _ index: Int, _ source: UnsafeMutablePointer<UInt64>, _ target: UnsafeMutablePointer<UInt64>
  ) throws(ScheduleFault) {
    let entry = table.entries[index]
    for interval in 0..<Int(entry.last - entry.first) {
      let places = interval * words..<(interval + 1) * words
      if places.allSatisfy({ source[$0] == 0 }) || places.allSatisfy({ target[$0] == 0 }) {
        throw table.fault(index, "adds elements that hold nothing yet, or adds to such")
      }
    }
  }

  // MARK: outcome

  /// Whether the goal is reached.
  func check() throws(ScheduleFault) {
    switch goal {
    case .allReduce:
      let all = wanted(nil)
      for rank in 0..<table.ranks { try check(rank, 0..<table.count, all, owner: nil) }
    case .reduceScatter(let parts), .laneSum(_, _, _, let parts):
      let all = wanted(nil)
      for rank in 0..<table.ranks { try check(rank, parts[rank], all, owner: nil) }
    case .allGather(let ranges):
      for (owner, range) in ranges.enumerated() where !range.isEmpty {
        let own = wanted(owner)
        for rank in 0..<table.ranks { try check(rank, range, own, owner: owner) }
      }
    }
  }

  /// Everybody's contribution, or the owner's alone.
  private func wanted(_ owner: Int?) -> [UInt64] {
    var row = [UInt64](repeating: 0, count: words)
    for contributor in 0..<contributors where owner == nil || owner == contributor {
      row[contributor / 64] |= 1 << UInt64(contributor % 64)
    }
    return row
  }

  private func check(_ rank: Int, _ range: Range<Int>, _ wanted: [UInt64], owner: Int?)
    throws(ScheduleFault)
  {
    let (first, last) = (table.interval(at: range.lowerBound), table.interval(at: range.upperBound))
    for interval in first..<last {
      let found = row(rank, interval)
      for word in 0..<words where found[word] != wanted[word] {
        let contributor = 64 * word + (found[word] ^ wanted[word]).trailingZeroBitCount
        let isThere = owner != contributor && owner != nil
        throw ScheduleFault(
          rank: rank, round: table.rounds(of: rank),
          text: "elements \(table.elements(interval)) end \(isThere ? "with" : "without") \(noun) "
            + "\(contributor)'s contribution")
      }
    }
  }
}
