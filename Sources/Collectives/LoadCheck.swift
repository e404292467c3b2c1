// Loads and sums reach into another rank's memory while that rank goes on with its own work. Only
// fences order the two, so between two fences nobody may read what another rank writes (or sends:
// 16-bit wire formats round it in place), and a fence must come before the first reach and after
// the last.
//
// Cost: O(accesses log accesses), and for each access as many others of the same elements between
// the same fences as there are.

/// Looks for races in shared memory.
struct LoadCheck {
  private struct Access {
    let entry: Int
    /// Fences that the acting rank has passed before.
    let epoch: Int
    let range: Range<Int>
    let isWrite: Bool
  }

  private let table: TransferTable
  /// By the rank whose memory it is.
  private var accesses: [[Access]]
  private var epochs: [Int]

  static func verify(_ table: TransferTable) throws(ScheduleFault) {
    guard table.entries.contains(where: { $0.kind == .load || $0.kind == .sum }) else { return }
    var check = LoadCheck(table)
    check.collect()
    try check.boundReaches()
    for rank in 0..<table.ranks { try check.findRace(in: rank) }
  }

  private init(_ table: TransferTable) {
    self.table = table
    accesses = Array(repeating: [], count: table.ranks)
    epochs = Array(repeating: 0, count: table.ranks)
  }

  private mutating func collect() {
    for index in table.entries.indices {
      let entry = table.entries[index]
      switch entry.kind {
      case .fence: epochs[entry.rank] += 1
      // A send may round what it sends, in place.
      case .send, .receive, .library: note(index, entry.rank, isWrite: true)
      case .load:
        note(index, entry.rank, isWrite: true)
        note(index, entry.peer, isWrite: false)
      case .sum:
        for peer in table.groups[entry.match].over { note(index, peer, isWrite: false) }
        for peer in table.groups[entry.match].into { note(index, peer, isWrite: true) }
      case .add:
        note(index, entry.rank, isWrite: false)
        let target = entry.match..<entry.match + entry.range.count
        note(index, entry.rank, target, isWrite: true)
      }
    }
  }

  private mutating func note(
    _ index: Int, _ memory: Int, _ range: Range<Int>? = nil, isWrite: Bool
  ) {
    let entry = table.entries[index]
    accesses[memory].append(
      Access(
        entry: index, epoch: epochs[entry.rank], range: range ?? entry.range, isWrite: isWrite))
  }

  /// The caller fills the vector before the schedule and goes on with it afterwards.
  private func boundReaches() throws(ScheduleFault) {
    for memory in accesses.indices {
      for access in accesses[memory] {
        let actor = table.entries[access.entry].rank
        guard actor != memory else { continue }
        if access.epoch == 0 {
          throw table.fault(
            access.entry,
            "reaches into rank \(memory)'s memory before the first fence: it may still be filling "
              + "its vector")
        }
        if access.epoch == epochs[actor] {
          throw table.fault(
            access.entry,
            "reaches into rank \(memory)'s memory after the last fence: it may already be using its"
              + " vector")
        }
      }
    }
  }

  /// Sweeps over the elements of one rank's memory, epoch by epoch.
  private func findRace(in memory: Int) throws(ScheduleFault) {
    // Only where somebody else reaches in is there anything to race with.
    guard accesses[memory].contains(where: { table.entries[$0.entry].rank != memory }) else {
      return
    }
    let sorted = accesses[memory].sorted {
      ($0.epoch, $0.range.lowerBound) < ($1.epoch, $1.range.lowerBound)
    }
    var open: (reads: [Access], writes: [Access]) = ([], [])
    var epoch = -1
    for access in sorted where !access.range.isEmpty {
      if access.epoch != epoch { open = ([], []) }
      epoch = access.epoch
      let start = access.range.lowerBound
      open.writes.removeAll { $0.range.upperBound <= start }
      try compare(access, open.writes, memory)
      if access.isWrite {
        open.reads.removeAll { $0.range.upperBound <= start }
        try compare(access, open.reads, memory)
        open.writes.append(access)
      } else {
        open.reads.append(access)
      }
    }
  }

  private func compare(_ access: Access, _ others: [Access], _ memory: Int) throws(ScheduleFault) {
    let entry = table.entries[access.entry]
    for other in others where table.entries[other.entry].rank != entry.rank {
      let foreign = table.entries[other.entry]
      throw table.fault(
        access.entry,
        "touches elements \(access.range) of rank \(memory)'s memory, which rank \(foreign.rank) "
          + "touches in its round \(foreign.round): no fence lies between")
    }
  }
}
