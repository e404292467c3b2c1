// All transfers of all ranks in one flat table, each send matched with its receive: the first half
// of what the verifier checks.

/// Flat and checked form of the schedules of all ranks.
final class TransferTable {
  enum Kind { case send, receive, load, sum, add, fence, library }

  struct Entry {
    var kind: Kind
    var adds = false
    var blocking = false
    var rank: Int
    var round: Int
    /// Place in the round.
    var place: Int
    var peer = -1
    /// Elements, and the intervals that they are.
    var range = 0..<0
    var first = 0
    var last = 0
    /// The send of a receive and the reverse; the ordinal of a fence or library call on its rank;
    /// the number of a sum's group; the first element that an addition changes.
    var match = -1
    /// Where the intervals of a send are kept while it is on its way.
    var cargo = 0
  }

  let count: Int
  let ranks: Int
  /// Further elements at which intervals end.
  private let ends: [Int]
  private(set) var entries: [Entry] = []
  /// For each rank, the first entry of each of its rounds, and one end more.
  private(set) var rounds: [[Int]] = []
  /// Ends of the intervals: interval i is boundaries[i] ..< boundaries[i + 1].
  private(set) var boundaries: [Int] = []
  /// Which ranks a sum reads and writes, by the sum's `match`.
  private(set) var groups: [(over: [Int], into: [Int])] = []
  /// Intervals of all sends.
  private(set) var cargoCount = 0

  init(_ schedules: [Schedule], count: Int, nodes: [Int], ends: [Int] = [])
    throws(ScheduleFault)
  {
    (self.count, ranks, self.ends) = (count, schedules.count, ends)
    for rank in 0..<ranks {
      var starts: [Int] = []
      for (number, round) in schedules[rank].rounds.enumerated() {
        starts.append(entries.count)
        for (place, transfer) in round.enumerated() {
          append(transfer, Entry(kind: .fence, rank: rank, round: number, place: place))
        }
      }
      starts.append(entries.count)
      rounds.append(starts)
    }
    try checkEach(nodes)
    try checkRounds()
    findIntervals()
    try matchMessages()
    try matchCalls(nodes)
  }

  func fault(_ index: Int, _ text: String) -> ScheduleFault {
    let entry = entries[index]
    return ScheduleFault(rank: entry.rank, round: entry.round, transfer: entry.place, text: text)
  }

  private func append(_ transfer: Transfer, _ template: Entry) {
    var entry = template
    switch transfer {
    case .send(let range, let to): (entry.kind, entry.range, entry.peer) = (.send, range, to)
    case .receive(let range, let from, let arrival):
      (entry.kind, entry.range, entry.peer) = (.receive, range, from)
      entry.adds = arrival == .add
    case .load(let range, let from, let arrival):
      (entry.kind, entry.range, entry.peer) = (.load, range, from)
      entry.adds = arrival == .add
    case .fence: entry.kind = .fence
    case .sum(let range, let over, let into):
      (entry.kind, entry.range, entry.match) = (.sum, range, groups.count)
      groups.append((over, into))
    case .add(let range, let to): (entry.kind, entry.range, entry.match) = (.add, range, to)
    case .library(let range, let blocking):
      (entry.kind, entry.range, entry.blocking) = (.library, range, blocking)
    }
    entries.append(entry)
  }

  private func checkEach(_ nodes: [Int]) throws(ScheduleFault) {
    for index in entries.indices {
      let entry = entries[index]
      if entry.range.lowerBound < 0 || entry.range.upperBound > count {
        throw fault(index, "elements \(entry.range) of a vector of \(count)")
      }
      switch entry.kind {
      case .send, .receive: try checkPeer(index, entry.peer)
      case .load:
        try checkPeer(index, entry.peer, on: nodes)
        if entry.peer == entry.rank { throw fault(index, "loads its own memory") }
      case .sum:
        let (over, into) = groups[entry.match]
        for peer in over + into { try checkPeer(index, peer, on: nodes) }
        if over.isEmpty || into.isEmpty { throw fault(index, "sums nothing, or into nothing") }
        if Set(over).count < over.count || Set(into).count < into.count {
          throw fault(index, "names a rank twice")
        }
      case .add:
        let target = entry.match..<entry.match + entry.range.count
        if target.lowerBound < 0 || target.upperBound > count {
          throw fault(index, "elements \(target) of a vector of \(count)")
        }
        if target.overlaps(entry.range) { throw fault(index, "adds elements to themselves") }
      case .fence, .library: break
      }
    }
  }

  private func checkPeer(_ index: Int, _ peer: Int, on nodes: [Int]? = nil) throws(ScheduleFault) {
    if peer < 0 || peer >= ranks { throw fault(index, "rank \(peer) does not exist") }
    if let nodes, nodes[peer] != nodes[entries[index].rank] {
      throw fault(index, "reaches into the memory of rank \(peer) on another node")
    }
  }

  /// Within a round: arrivals may be added up, but nothing else may meet an arrival of the round.
  private func checkRounds() throws(ScheduleFault) {
    for rank in 0..<ranks {
      for round in 0..<rounds[rank].count - 1 {
        let members = rounds[rank][round]..<rounds[rank][round + 1]
        guard members.count > 1 else { continue }
        for one in members {
          if entries[one].kind == .fence { throw fault(one, "a fence stands alone in its round") }
          for other in one + 1..<members.upperBound { try checkPair(one, other) }
        }
      }
    }
  }

  private func checkPair(_ one: Int, _ other: Int) throws(ScheduleFault) {
    let a = entries[one], b = entries[other]
    if a.kind == .add || b.kind == .add {
      // Additions follow one another; beside messages they would depend on which comes first.
      if a.kind == .add && b.kind == .add { return }
      throw fault(other, "an addition and a transfer of another kind in one round")
    }
    if a.kind == .library && b.kind == .library {
      throw fault(other, "a second library call in the round")
    }
    guard a.range.lowerBound < b.range.upperBound, b.range.lowerBound < a.range.upperBound,
      !a.range.isEmpty, !b.range.isEmpty
    else { return }
    // Sends read what the round began with, whatever arrives meanwhile.
    if a.kind == .send && b.kind != .library || b.kind == .send && a.kind != .library { return }
    if a.kind != .library && b.kind != .library && a.adds && b.adds { return }
    throw fault(
      other, "conflicts with transfer \(a.place) of the round: both touch elements of both")
  }

  private func findIntervals() {
    var marks = [Bool](repeating: false, count: count + 1)
    marks[0] = true
    marks[count] = true
    for index in entries.indices {
      marks[entries[index].range.lowerBound] = true
      marks[entries[index].range.upperBound] = true
    }
    for element in ends { marks[element] = true }
    markAdditions(&marks)
    var numbers = [Int](repeating: 0, count: count + 1)
    for element in 0...count where marks[element] {
      numbers[element] = boundaries.count
      boundaries.append(element)
    }
    for index in entries.indices {
      entries[index].first = numbers[entries[index].range.lowerBound]
      entries[index].last = numbers[entries[index].range.upperBound]
      if entries[index].kind == .send {
        entries[index].cargo = cargoCount
        cargoCount += entries[index].last - entries[index].first
      }
    }
  }

  /// What is added and what it is added to must be cut alike; one cut may bring about another.
  private func markAdditions(_ marks: inout [Bool]) {
    let additions = entries.filter { $0.kind == .add }
    var isStable = additions.isEmpty
    while !isStable {
      isStable = true
      for entry in additions {
        for offset in 0...entry.range.count {
          let (from, to) = (entry.range.lowerBound + offset, entry.match + offset)
          if marks[from] != marks[to] { (marks[from], marks[to], isStable) = (true, true, false) }
        }
      }
    }
  }

  /// The interval that begins at an element which some range begins or ends with.
  func interval(at element: Int) -> Int {
    var (low, high) = (0, boundaries.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if boundaries[middle] < element { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The nth receive from a rank takes its nth send.
  private func matchMessages() throws(ScheduleFault) {
    var next = [Int](repeating: -1, count: entries.count)
    var head = [Int](repeating: -1, count: ranks * ranks)
    var tail = head
    for index in entries.indices where entries[index].kind == .send {
      let pair = entries[index].rank * ranks + entries[index].peer
      if head[pair] < 0 { head[pair] = index } else { next[tail[pair]] = index }
      tail[pair] = index
    }
    for index in entries.indices where entries[index].kind == .receive {
      let peer = entries[index].peer
      let pair = peer * ranks + entries[index].rank
      let send = head[pair]
      guard send >= 0 else { throw fault(index, "rank \(peer) does not send this") }
      guard entries[send].range == entries[index].range else {
        throw fault(
          index,
          "receives elements \(entries[index].range) where rank \(peer) sends "
            + "\(entries[send].range) in its round \(entries[send].round)")
      }
      head[pair] = next[send]
      entries[index].match = send
      entries[send].match = index
    }
    for index in entries.indices where entries[index].kind == .send && entries[index].match < 0 {
      throw fault(index, "rank \(entries[index].peer) does not receive this")
    }
  }

  /// Numbers fences and library calls on each rank; their numbers must agree.
  private func matchCalls(_ nodes: [Int]) throws(ScheduleFault) {
    var fences = [Int](repeating: 0, count: ranks)
    var libraries: [[Int]] = Array(repeating: [], count: ranks)
    for index in entries.indices {
      let rank = entries[index].rank
      if entries[index].kind == .fence {
        entries[index].match = fences[rank]
        fences[rank] += 1
      } else if entries[index].kind == .library {
        entries[index].match = libraries[rank].count
        libraries[rank].append(index)
      }
    }
    for rank in 0..<ranks {
      if let other = nodes.firstIndex(of: nodes[rank]), fences[other] != fences[rank] {
        throw ScheduleFault(
          rank: rank, round: rounds[rank].count - 1,
          text: "\(fences[rank]) fences, but rank \(other) of the node has \(fences[other])")
      }
      if libraries[rank].count != libraries[0].count {
        throw ScheduleFault(
          rank: rank, round: rounds[rank].count - 1,
          text: "\(libraries[rank].count) library calls, but rank 0 has \(libraries[0].count)")
      }
      for (own, first) in zip(libraries[rank], libraries[0]) {
        if entries[own].range != entries[first].range {
          throw fault(
            own,
            "library call on elements \(entries[own].range), but rank 0 gives "
              + "\(entries[first].range)")
        }
        if entries[own].blocking != entries[first].blocking {
          throw fault(own, "library call that blocks where rank 0's does not, or the reverse")
        }
      }
    }
  }
}
