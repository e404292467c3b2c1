// All transfers of all ranks in one flat table, each send matched with its receive: the first half
// of what the verifier checks.
//
// Cost: O(transfers) time and memory, some 60 bytes per transfer.

/// Flat and checked form of the schedules of all ranks.
struct TransferTable {
  enum Kind: UInt8 { case send, receive, load, sum, add, fence, library }

  /// A transfer; small, because a thousand ranks have millions.
  struct Entry {
    var kind: Kind
    var adds = false
    var blocking = false
    var rank: Int32
    var round: Int32
    /// Place in the round.
    var place: Int32
    var peer: Int32 = -1
    /// The intervals that the range is.
    var first: Int32 = 0
    var last: Int32 = 0
    /// The send of a receive and the reverse; the ordinal of a fence or library call on its rank;
    /// the number of a sum's group.
    var match: Int32 = -1
    var range = 0..<0
    /// The first element that an addition changes.
    var target = 0
  }

  let count: Int
  let ranks: Int
  var entries: [Entry] = []
  /// The first entry of each round of each rank in turn, and one end more.
  private(set) var starts: [Int] = []
  /// For each rank the number of its first round among all, and one end more.
  private(set) var firstRounds: [Int] = []
  /// Which ranks a sum reads and writes, by the sum's `match`.
  private(set) var groups: [(over: [Int], into: [Int])] = []
  /// Ends of the intervals: interval i is boundaries[i] ..< boundaries[i + 1].
  var boundaries: [Int] = []

  /// - Parameter ends: further elements at which intervals end.
  init(_ schedules: [Schedule], count: Int, nodes: [Int], ends: [Int] = [])
    throws(ScheduleFault)
  {
    (self.count, ranks) = (count, schedules.count)
    let total = schedules.reduce(0) { $1.rounds.reduce($0) { $0 + $1.count } }
    entries.reserveCapacity(total)
    starts.reserveCapacity(schedules.reduce(1) { $0 + $1.rounds.count })
    for (rank, schedule) in schedules.enumerated() {
      firstRounds.append(starts.count)
      for (number, round) in schedule.rounds.enumerated() {
        starts.append(entries.count)
        for (place, transfer) in round.enumerated() {
          append(
            transfer,
            Entry(kind: .fence, rank: Int32(rank), round: Int32(number), place: Int32(place)))
        }
      }
    }
    firstRounds.append(starts.count)
    starts.append(entries.count)
    try checkEach(nodes)
    try checkRounds()
    findIntervals(ends)
    try matchMessages()
    try matchCalls(nodes)
  }

  private mutating func append(_ transfer: Transfer, _ template: Entry) {
    var entry = template
    switch transfer {
    case .send(let range, let to): (entry.kind, entry.range, entry.peer) = (.send, range, short(to))
    case .receive(let range, let from, let arrival):
      (entry.kind, entry.range, entry.peer) = (.receive, range, short(from))
      entry.adds = arrival == .add
    case .load(let range, let from, let arrival):
      (entry.kind, entry.range, entry.peer) = (.load, range, short(from))
      entry.adds = arrival == .add
    case .fence: break
    case .sum(let range, let over, let into):
      (entry.kind, entry.range, entry.match) = (.sum, range, Int32(groups.count))
      groups.append((over, into))
    case .add(let range, let to): (entry.kind, entry.range, entry.target) = (.add, range, to)
    case .library(let range, let blocking):
      (entry.kind, entry.range, entry.blocking) = (.library, range, blocking)
    }
    entries.append(entry)
  }

  /// Numbers that are no rank's stay none.
  private func short(_ rank: Int) -> Int32 { Int32(clamping: rank) }

  /// The entries of a round, given its number among all.
  func members(_ round: Int) -> Range<Int> { starts[round]..<starts[round + 1] }

  /// Number of rounds of a rank.
  func rounds(of rank: Int) -> Int { firstRounds[rank + 1] - firstRounds[rank] }

  func fault(_ index: Int, _ text: String) -> ScheduleFault {
    let entry = entries[index]
    return ScheduleFault(
      rank: Int(entry.rank), round: Int(entry.round), transfer: Int(entry.place), text: text)
  }
}
