// A group of ranks of a `LocalWorld`: mailboxes for messages, meetings for collective calls.
//
// Messages are handed over by rendezvous: a send completes when its receive has taken the bytes,
// straight from the sender's memory. No message is ever buffered, which is the strictest thing an
// MPI library may do, so a program that only works thanks to buffering is found out here.

/// Shared by the communicators of the group's ranks; guarded by the hub's lock.
final class LocalGroup: @unchecked Sendable {
  /// The nth collective call of every rank, in progress.
  private final class Meeting {
    var number = -1
    var arrived = 0
    var operations: [LocalOperation?]
    init(size: Int) { operations = Array(repeating: nil, count: size) }
  }

  let hub: LocalHub
  /// The world's ranks in this group.
  let members: [Int]
  private var sends: [[LocalOperation]]  // unmatched, by receiver
  private var receives: [[LocalOperation]]  // unmatched, by receiver
  private var meetings: [Meeting] = []

  init(hub: LocalHub, members: [Int]) {
    (self.hub, self.members) = (hub, members)
    sends = Array(repeating: [], count: members.count)
    receives = Array(repeating: [], count: members.count)
  }

  // MARK: messages

  func post(send operation: LocalOperation, to peer: Int) {
    let source = operation.rank, tag = operation.tag
    if let index = receives[peer].firstIndex(where: { $0.accepts(source: source, tag: tag) }) {
      deliver(operation, to: receives[peer].remove(at: index))
    } else {
      sends[peer].append(operation)
    }
  }

  func post(receive operation: LocalOperation) {
    let place = operation.rank
    if let index = sends[place].firstIndex(where: {
      operation.accepts(source: $0.rank, tag: $0.tag)
    }) {
      deliver(sends[place].remove(at: index), to: operation)
    } else {
      receives[place].append(operation)
    }
  }

  /// The first message to `rank` that a receive of these arguments would take.
  func waiting(for rank: Int, from peer: Int?, tag: Int) -> Message? {
    sends[rank].first { $0.tag == tag && (peer == nil || peer == $0.rank) }
      .map { Message(peer: $0.rank, tag: tag, byteCount: $0.bytes.count) }
  }

  private func deliver(_ send: LocalOperation, to receive: LocalOperation) {
    receive.peer = send.rank
    receive.arrived = send.bytes.count
    if send.bytes.count > receive.bytes.count {
      receive.fault =
        "message truncated: \(send.bytes.count) bytes arrived for a buffer of "
        + "\(receive.bytes.count)"
    } else if let source = send.bytes.baseAddress, send.bytes.count > 0 {
      receive.bytes.baseAddress?.copyMemory(from: source, byteCount: send.bytes.count)
    }
    hub.complete(send)
    hub.complete(receive)
  }

  // MARK: collective calls

  /// Joins the group's `number`th collective call; the last to come does the work for all.
  func join(_ operation: LocalOperation, number: Int) {
    let meeting = findMeeting(number)
    meeting.operations[operation.rank] = operation
    meeting.arrived += 1
    guard meeting.arrived == members.count else { return }
    let operations = meeting.operations.compactMap { $0 }
    if let fault = disagreement(operations) {
      for operation in operations { operation.fault = fault }
    } else if case .collective(let collective) = operation.kind {
      perform(collective, operations)
    }
    for place in meeting.operations.indices { meeting.operations[place] = nil }
    (meeting.number, meeting.arrived) = (-1, 0)
    for operation in operations { hub.complete(operation) }
  }

  private func findMeeting(_ number: Int) -> Meeting {
    if let meeting = meetings.first(where: { $0.number == number }) { return meeting }
    let meeting: Meeting
    if let free = meetings.first(where: { $0.number < 0 }) {
      meeting = free
    } else {
      meeting = Meeting(size: members.count)
      meetings.append(meeting)
    }
    meeting.number = number
    return meeting
  }

  /// Why these do not belong together: different calls or lengths.
  private func disagreement(_ operations: [LocalOperation]) -> String? {
    let first = operations[0]
    for other in operations.dropFirst() {
      if other.callName != first.callName {
        return "rank \(first.rank) called \(first.callName) where rank \(other.rank) called "
          + other.callName
      }
      if other.bytes.count != first.bytes.count {
        return "rank \(first.rank) gave \(first.bytes.count) bytes where rank \(other.rank) gave "
          + "\(other.bytes.count)"
      }
    }
    return nil
  }

  private func perform(_ collective: LocalCollective, _ operations: [LocalOperation]) {
    switch collective {
    case .barrier: break
    case .broadcast(let root): copy(from: operations[root], to: operations)
    case .sum:
      let total = operations[0].bytes.bindMemory(to: Float.self)
      for other in operations.dropFirst() {
        let values = other.bytes.bindMemory(to: Float.self)
        for index in total.indices { total[index] += values[index] }
      }
      copy(from: operations[0], to: operations)
    case .combine(let reduction):
      let total = operations[0].bytes.bindMemory(to: Double.self)
      for other in operations.dropFirst() {
        let values = other.bytes.bindMemory(to: Double.self)
        for index in total.indices {
          switch reduction {
          case .sum: total[index] += values[index]
          case .minimum: total[index] = min(total[index], values[index])
          case .maximum: total[index] = max(total[index], values[index])
          }
        }
      }
      copy(from: operations[0], to: operations)
    case .split: split(operations)
    case .sharedSegment:
      let memory = LocalSharedMemory(
        blocks: members.count, count: operations.map(\.key).max() ?? 0)
      for operation in operations { operation.result = memory }
    }
  }

  private func copy(from root: LocalOperation, to operations: [LocalOperation]) {
    guard let source = root.bytes.baseAddress, root.bytes.count > 0 else { return }
    for other in operations where other !== root {
      other.bytes.baseAddress?.copyMemory(from: source, byteCount: root.bytes.count)
    }
  }

  private func split(_ operations: [LocalOperation]) {
    let byColor = Dictionary(grouping: operations.filter { $0.color != nil }) { $0.color ?? 0 }
    for group in byColor.values {
      let ordered = group.sorted { ($0.key, $0.rank) < ($1.key, $1.rank) }
      let result = LocalGroup(hub: hub, members: ordered.map(\.worldRank))
      for operation in ordered { operation.result = result }
    }
  }
}
