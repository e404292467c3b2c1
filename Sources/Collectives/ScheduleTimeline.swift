// When things happen in a schedule if every message takes one unit of time, and what the ranks'
// vectors hold meanwhile: what a drawing shows.
//
// Cost: O(rounds x intervals) memory: for tens of ranks.

/// The rounds of verified schedules on a common clock.
struct ScheduleTimeline {
  /// A transfer; of a message the receive alone.
  struct Event {
    /// Its place in the table.
    let entry: Int
    let begin: Double
    let end: Double
  }

  /// What a rank's vector holds from some time on: for each interval, how many ranks' contributions.
  struct Picture {
    let rank: Int
    let time: Double
    let counts: [Int]
  }

  let table: TransferTable
  private(set) var events: [Event] = []
  private(set) var pictures: [Picture] = []
  /// By round, numbered as in the table.
  private var begins: [Double]
  private var ends: [Double]
  private let nodes: [Int]

  /// - Parameter table: of schedules that the verifier has passed.
  init(_ table: TransferTable, nodes: [Int]) {
    (self.table, self.nodes) = (table, nodes)
    begins = Array(repeating: .infinity, count: table.firstRounds[table.ranks] + 1)
    ends = begins
    setTimes()
    follow()
  }

  /// The time at which all is done.
  var duration: Double { events.map(\.end).max() ?? 0 }

  // MARK: times

  private mutating func setTimes() {
    var current = (0..<table.ranks).map { table.firstRounds[$0] }
    for rank in 0..<table.ranks { begins[current[rank]] = 0 }
    var hasMoved = true
    while hasMoved {
      hasMoved = false
      for rank in 0..<table.ranks where current[rank] < table.firstRounds[rank + 1] {
        guard let end = end(of: current[rank]) else { continue }
        ends[current[rank]] = end
        current[rank] += 1
        if current[rank] < table.firstRounds[rank + 1] { begins[current[rank]] = end }
        hasMoved = true
      }
    }
  }

  /// Nil while a partner's round has not begun. Notes the round's events.
  private mutating func end(of round: Int) -> Double? {
    var found: [Event] = []
    for index in table.members(round) {
      let start = partners(of: index, round).map { begins[$0] }.max() ?? begins[round]
      guard start < .infinity else { return nil }
      let length: Double =
        switch table.entries[index].kind {
        case .fence: 0.5
        case .sum: 1.5
        case .send, .receive, .load, .add, .library: 1
        }
      found.append(Event(entry: index, begin: start, end: start + length))
    }
    events += found.filter { table.entries[$0.entry].kind != .send }
    return found.map(\.end).max() ?? begins[round]
  }

  /// The rounds that must have begun for a transfer to begin, its own among them.
  private func partners(of index: Int, _ round: Int) -> [Int] {
    let entry = table.entries[index]
    switch entry.kind {
    case .send, .receive: return [round, self.round(of: Int(entry.match))]
    case .load, .sum, .add: return [round]
    case .fence, .library:
      let node = nodes[Int(entry.rank)]
      return (0..<table.ranks).filter { entry.kind == .library || nodes[$0] == node }.compactMap {
        rank in
        (table.firstRounds[rank]..<table.firstRounds[rank + 1]).first { other in
          table.members(other).contains {
            table.entries[$0].kind == entry.kind && table.entries[$0].match == entry.match
          }
        }
      }
    }
  }

  private func round(of index: Int) -> Int {
    let entry = table.entries[index]
    return table.firstRounds[Int(entry.rank)] + Int(entry.round)
  }

  // MARK: what vectors hold

  /// Goes through time: where rounds end, their arrivals count; where rounds begin, what they send
  /// is taken down.
  private mutating func follow() {
    let rounds = 0..<table.firstRounds[table.ranks]
    var ranks = [Int](repeating: 0, count: rounds.count)
    for rank in 0..<table.ranks {
      for round in table.firstRounds[rank]..<table.firstRounds[rank + 1] { ranks[round] = rank }
    }
    var counts = [[Int]](
      repeating: Array(repeating: 1, count: table.boundaries.count - 1), count: table.ranks)
    var snapshots = [[Int]](repeating: [], count: rounds.count)
    let byEnd = rounds.sorted { ends[$0] < ends[$1] }
    let byBegin = rounds.sorted { begins[$0] < begins[$1] }
    var (ended, begun) = (0, 0)
    for time in Set(begins + ends).filter({ $0 < .infinity }).sorted() {
      let before = counts
      while ended < rounds.count, ends[byEnd[ended]] <= time {
        for index in table.members(byEnd[ended]) { apply(index, snapshots, &counts) }
        ended += 1
      }
      for rank in 0..<table.ranks where time == 0 || counts[rank] != before[rank] {
        pictures.append(Picture(rank: rank, time: time, counts: counts[rank]))
      }
      while begun < rounds.count, begins[byBegin[begun]] <= time {
        snapshots[byBegin[begun]] = counts[ranks[byBegin[begun]]]
        begun += 1
      }
    }
  }

  private func apply(_ index: Int, _ snapshots: [[Int]], _ counts: inout [[Int]]) {
    let entry = table.entries[index]
    let rank = Int(entry.rank)
    let intervals = Int(entry.first)..<Int(entry.last)
    switch entry.kind {
    case .send, .fence: break
    case .receive, .load:
      let source =
        entry.kind == .load ? counts[Int(entry.peer)] : snapshots[round(of: Int(entry.match))]
      for interval in intervals {
        counts[rank][interval] = source[interval] + (entry.adds ? counts[rank][interval] : 0)
      }
    case .add:
      let shift = table.interval(at: entry.target) - intervals.lowerBound
      for interval in intervals { counts[rank][interval + shift] += counts[rank][interval] }
    case .sum:
      let (over, into) = table.groups[Int(entry.match)]
      for interval in intervals {
        let sum = over.reduce(0) { $0 + counts[$1][interval] }
        for peer in into { counts[peer][interval] = sum }
      }
    case .library:
      for interval in intervals { counts[rank][interval] = table.ranks }
    }
  }
}
