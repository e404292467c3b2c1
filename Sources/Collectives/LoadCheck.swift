// Loads and sums reach into another rank's memory while that rank goes on with its own work. Only
// fences order the two, so between two fences nobody may read what another rank writes (or sends:
// 16-bit wire formats round it), and a fence must come before the first reach and after the last.
//
// Cost: O(accesses log accesses), and for each access as many others of the same elements between
// the same fences as there are.

/// Looks for races in shared memory.
struct LoadCheck {
  private struct Access {
    let range: Range<Int>
    let entry: Int32
    let actor: Int32
    /// Fences that the acting rank has passed before.
    let epoch: Int32
    let isWrite: Bool
  }

  private let table: TransferTable
  /// By the rank whose memory it is.
  private var accesses: [[Access]]
  private var epochs: [Int32]

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
      let rank = Int(entry.rank)
      switch entry.kind {
      case .fence: epochs[rank] += 1
      // A send may round what it sends, in place.
      case .send, .receive, .library: note(index, rank, isWrite: true)
      case .load:
        note(index, rank, isWrite: true)
        note(index, Int(entry.peer), isWrite: false)
      case .sum:
        let (over, into) = table.groups[Int(entry.match)]
        for peer in over { note(index, peer, isWrite: false) }
        for peer in into { note(index, peer, isWrite: true) }
      case .add:
        note(index, rank, isWrite: false)
        note(index, rank, entry.target..<entry.target + entry.range.count, isWrite: true)
      }
    }
  }

  private mutating func note(
    _ index: Int, _ memory: Int, _ range: Range<Int>? = nil, isWrite: Bool
  ) {
    let entry = table.entries[index]
    accesses[memory].append(
      Access(
        range: range ?? entry.range, entry: Int32(index), actor: entry.rank,
        epoch: epochs[Int(entry.rank)], isWrite: isWrite))
  }

  /// The caller fills the vector before the schedule and goes on with it afterwards.
  private func boundReaches() throws(ScheduleFault) {
    for memory in accesses.indices {
      for access in accesses[memory] where access.actor != memory {
        if access.epoch == 0 {
          throw table.fault(
            Int(access.entry),
            "reaches into rank \(memory)'s memory before the first fence: it may still be filling "
              + "its vector")
        }
        if access.epoch == epochs[Int(access.actor)] {
          throw table.fault(
            Int(access.entry),
            "reaches into rank \(memory)'s memory after the last fence: it may already be using its"
              + " vector")
        }
      }
    }
  }

  /// Sweeps over the elements of one rank's memory, epoch by epoch.
  private func findRace(in memory: Int) throws(ScheduleFault) {
    // Only where and when somebody else reaches in is there anything to race with.
    var isShared = [Bool](repeating: false, count: Int(epochs.max() ?? 0) + 1)
    for access in accesses[memory] where access.actor != memory {
      isShared[Int(access.epoch)] = true
    }
    let sorted = accesses[memory].filter { isShared[Int($0.epoch)] && !$0.range.isEmpty }.sorted {
      ($0.epoch, $0.range.lowerBound) < ($1.epoch, $1.range.lowerBound)
    }
    var open: (reads: [Access], writes: [Access]) = ([], [])
    var epoch: Int32 = -1
    for access in sorted {
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
    for other in others where other.actor != access.actor {
      throw table.fault(
        Int(access.entry),
        "touches elements \(access.range) of rank \(memory)'s memory, which rank \(other.actor) "
          + "touches in its round \(table.entries[Int(other.entry)].round): no fence lies between")
    }
  }
}
