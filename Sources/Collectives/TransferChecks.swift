// What a rank's transfers must be by themselves: ranges and peers that exist, and within a round no
// two transfers whose order would matter.
//
// Cost: O(transfers), O(k log k) for a round of k.

extension TransferTable {
  func checkEach(_ nodes: [Int]) throws(ScheduleFault) {
    var seen = [Int](repeating: -1, count: ranks)
    for index in entries.indices {
      let entry = entries[index]
      if entry.range.lowerBound < 0 || entry.range.upperBound > count {
        throw fault(index, "elements \(entry.range) of a vector of \(count)")
      }
      switch entry.kind {
      case .send, .receive: try checkPeer(index, Int(entry.peer))
      case .load:
        try checkPeer(index, Int(entry.peer), on: nodes)
        if entry.peer == entry.rank { throw fault(index, "loads its own memory") }
      case .sum: try checkSum(index, nodes, &seen)
      case .add:
        let target = entry.target..<entry.target + entry.range.count
        if target.lowerBound < 0 || target.upperBound > count {
          throw fault(index, "elements \(target) of a vector of \(count)")
        }
        if target.overlaps(entry.range) { throw fault(index, "adds elements to themselves") }
      case .fence, .library: break
      }
    }
  }

  /// - Parameter seen: for each rank, the list that named it last; sums have two lists each.
  private func checkSum(_ index: Int, _ nodes: [Int], _ seen: inout [Int]) throws(ScheduleFault) {
    let number = Int(entries[index].match)
    let (over, into) = groups[number]
    if over.isEmpty || into.isEmpty { throw fault(index, "sums nothing, or into nothing") }
    for (list, peers) in [over, into].enumerated() {
      for peer in peers {
        try checkPeer(index, peer, on: nodes)
        if seen[peer] == 2 * number + list { throw fault(index, "names a rank twice") }
        seen[peer] = 2 * number + list
      }
    }
  }

  private func checkPeer(_ index: Int, _ peer: Int, on nodes: [Int]? = nil) throws(ScheduleFault) {
    if peer < 0 || peer >= ranks { throw fault(index, "rank \(peer) does not exist") }
    if let nodes, nodes[peer] != nodes[Int(entries[index].rank)] {
      throw fault(index, "reaches into the memory of rank \(peer) on another node")
    }
  }

  /// Within a round: arrivals may be added up, but nothing else may meet an arrival of the round.
  func checkRounds() throws(ScheduleFault) {
    for round in 0..<firstRounds[ranks] {
      let members = members(round)
      guard members.count > 1 else { continue }
      for one in members where entries[one].kind == .fence {
        throw fault(one, "a fence stands alone in its round")
      }
      // Sorted by their first elements, a transfer can only meet those that follow at once; but
      // additions and library calls are compared with all.
      let isLarge = members.count > 8 && !members.contains { isAlone(entries[$0].kind) }
      let order =
        isLarge
        ? members.sorted { entries[$0].range.lowerBound < entries[$1].range.lowerBound } : []
      for one in members {
        for other in isLarge ? 0..<0 : one + 1..<members.upperBound { try checkPair(one, other) }
      }
      for (place, one) in order.enumerated() {
        for other in order[(place + 1)...] {
          if entries[other].range.lowerBound >= entries[one].range.upperBound { break }
          try checkPair(min(one, other), max(one, other))
        }
      }
    }
  }

  private func isAlone(_ kind: Kind) -> Bool { kind == .add || kind == .library }

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
}
