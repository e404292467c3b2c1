// Loads read another rank's memory while that rank goes on with its own work. Only fences order
// the two, so between two fences nobody may load what its owner writes (or sends: 16-bit wire
// formats round it), and a fence must come before the first load and after the last.

/// Looks for races between loads and the owner's writes.
enum LoadCheck {
  private struct Access {
    let entry: Int
    /// Fences that the rank has passed before.
    let epoch: Int
  }

  static func verify(_ table: TransferTable, nodes: [Int]) throws(ScheduleFault) {
    guard table.entries.contains(where: { $0.kind == .load }) else { return }
    var epochs = [Int](repeating: 0, count: table.ranks)
    var writes: [[Access]] = Array(repeating: [], count: table.ranks)
    var loads: [Access] = []
    for index in table.entries.indices {
      let entry = table.entries[index]
      let access = Access(entry: index, epoch: epochs[entry.rank])
      switch entry.kind {
      case .fence: epochs[entry.rank] += 1
      // A send may round what it sends, in place.
      case .send, .receive, .library: writes[entry.rank].append(access)
      case .load:
        writes[entry.rank].append(access)
        loads.append(access)
      }
    }
    for load in loads {
      let entry = table.entries[load.entry]
      // The caller fills the vector before the schedule and goes on with it afterwards.
      if load.epoch == 0 {
        throw table.fault(
          load.entry,
          "loads before the first fence: rank \(entry.peer) may still be filling its vector")
      }
      if load.epoch == epochs[entry.rank] {
        throw table.fault(
          load.entry,
          "loads after the last fence: rank \(entry.peer) may already be using its vector")
      }
      for write in writes[entry.peer] where write.epoch == load.epoch {
        let written = table.entries[write.entry]
        if written.range.overlaps(entry.range) {
          throw table.fault(
            load.entry,
            "loads elements \(entry.range) that rank \(entry.peer) may be writing in its round "
              + "\(written.round): no fence lies between")
        }
      }
    }
  }
}
