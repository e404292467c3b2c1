// What ties ranks together: the nth receive from a rank takes its nth send, all ranks of a node
// have equally many fences, all ranks have the same library calls.
//
// Cost: O(transfers + ranks^2).

extension TransferTable {
  mutating func matchMessages() throws(ScheduleFault) {
    // For each pair of ranks a list of the sends that no receive has taken, through `next`.
    var next = [Int32](repeating: -1, count: entries.count)
    var head = [Int32](repeating: -1, count: ranks * ranks)
    var tail = head
    for index in entries.indices where entries[index].kind == .send {
      let pair = Int(entries[index].rank) * ranks + Int(entries[index].peer)
      if head[pair] < 0 { head[pair] = Int32(index) } else { next[Int(tail[pair])] = Int32(index) }
      tail[pair] = Int32(index)
    }
    for index in entries.indices where entries[index].kind == .receive {
      let peer = Int(entries[index].peer)
      let pair = peer * ranks + Int(entries[index].rank)
      let send = Int(head[pair])
      guard send >= 0 else { throw fault(index, "rank \(peer) does not send this") }
      guard entries[send].range == entries[index].range else {
        throw fault(
          index,
          "receives elements \(entries[index].range) where rank \(peer) sends "
            + "\(entries[send].range) in its round \(entries[send].round)")
      }
      head[pair] = next[send]
      entries[index].match = Int32(send)
      entries[send].match = Int32(index)
    }
    for index in entries.indices where entries[index].kind == .send && entries[index].match < 0 {
      throw fault(index, "rank \(entries[index].peer) does not receive this")
    }
  }

  /// Numbers fences and library calls on each rank; their numbers must agree.
  mutating func matchCalls(_ nodes: [Int]) throws(ScheduleFault) {
    var fences = [Int](repeating: 0, count: ranks)
    var libraries: [[Int]] = Array(repeating: [], count: ranks)
    for index in entries.indices {
      let rank = Int(entries[index].rank)
      if entries[index].kind == .fence {
        entries[index].match = Int32(fences[rank])
        fences[rank] += 1
      } else if entries[index].kind == .library {
        entries[index].match = Int32(libraries[rank].count)
        libraries[rank].append(index)
      }
    }
    var first = [Int?](repeating: nil, count: ranks)
    for rank in 0..<ranks {
      let other = first[nodes[rank]] ?? rank
      first[nodes[rank]] = other
      if fences[other] != fences[rank] {
        throw callFault(
          rank, "\(fences[rank]) fences, but rank \(other) of the node has \(fences[other])")
      }
      if libraries[rank].count != libraries[0].count {
        throw callFault(
          rank,
          "\(libraries[rank].count) library calls, but rank 0 has \(libraries[0].count)")
      }
      for (own, first) in zip(libraries[rank], libraries[0]) { try checkLibrary(own, first) }
    }
  }

  private func callFault(_ rank: Int, _ text: String) -> ScheduleFault {
    ScheduleFault(rank: rank, round: rounds(of: rank), text: text)
  }

  private func checkLibrary(_ own: Int, _ first: Int) throws(ScheduleFault) {
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
