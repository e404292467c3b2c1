// The communicator of a rank that is a thread.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One rank's end of a `LocalGroup`.
final class LocalCommunicator: Communicator {
  let rank: Int
  private(set) var traffic = Traffic()
  private let group: LocalGroup
  private var operations: [LocalOperation] = []
  private var free: [Int] = []
  private var collectiveCount = 0

  init(group: LocalGroup, rank: Int) { (self.group, self.rank) = (group, rank) }

  var size: Int { group.members.count }
  var hostName: String { "node\(worldRank / hub.ranksPerNode)" }
  private var hub: LocalHub { group.hub }
  private var worldRank: Int { group.members[rank] }

  // MARK: messages

  func startSend(_ bytes: UnsafeRawBufferPointer, to peer: Int, tag: Int) throws(MessagingError)
    -> Request
  {
    check(peer: peer, tag: tag)
    return try hub.exclusively { () throws(MessagingError) -> Request in
      try hub.check("send", rank: rank, peer: peer)
      count(bytes.count)
      let operation = take()
      operation.prepare(
        .send, rank: rank, worldRank: worldRank, peer: peer, tag: tag,
        bytes: UnsafeMutableRawBufferPointer(mutating: bytes))
      group.post(send: operation, to: peer)
      return Request(slot: operation.slot)
    }
  }

  func startReceive(
    into bytes: UnsafeMutableRawBufferPointer, from peer: Int?, tag: Int
  ) throws(MessagingError) -> Request {
    check(peer: peer ?? rank, tag: tag)
    return try hub.exclusively { () throws(MessagingError) -> Request in
      try hub.check("receive", rank: rank, peer: peer)
      hub.progress(worldRank)
      let operation = take()
      operation.prepare(
        .receive, rank: rank, worldRank: worldRank, peer: peer, tag: tag, bytes: bytes)
      group.post(receive: operation)
      return Request(slot: operation.slot)
    }
  }

  func test(_ request: Request) throws(MessagingError) -> Message? {
    try hub.exclusively { () throws(MessagingError) -> Message? in
      let operation = find(request)
      if operation.isDone { return try redeem(operation) }
      try hub.check(operation.callName, rank: rank, peer: operation.peer)
      hub.polled(worldRank)
      return nil
    }
  }

  func wait(_ request: Request) throws(MessagingError) -> Message {
    try hub.exclusively { () throws(MessagingError) -> Message in
      try complete(find(request))
    }
  }

  func pause(after looks: Int) { sched_yield() }

  func probe(from peer: Int?, tag: Int) throws(MessagingError) -> Message? {
    check(peer: peer ?? rank, tag: tag)
    return try hub.exclusively { () throws(MessagingError) -> Message? in
      try hub.check("probe", rank: rank, peer: peer)
      if let message = group.waiting(for: rank, from: peer, tag: tag) { return message }
      hub.polled(worldRank)
      return nil
    }
  }

  // MARK: collective calls

  func barrier() throws(MessagingError) { try collective(.barrier) }

  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws(MessagingError) {
    check(peer: root, tag: 0)
    try collective(.broadcast(root: root), bytes)
  }

  func startAllReduce(_ values: UnsafeMutableBufferPointer<Float>) throws(MessagingError) -> Request
  {
    try hub.exclusively { () throws(MessagingError) -> Request in
      Request(slot: try join(.sum, UnsafeMutableRawBufferPointer(values)).slot)
    }
  }

  func allReduce(_ values: UnsafeMutableBufferPointer<Float>) throws(MessagingError) {
    try collective(.sum, UnsafeMutableRawBufferPointer(values))
  }

  func allReduce(_ values: UnsafeMutableBufferPointer<Double>, _ reduction: Reduction)
    throws(MessagingError)
  {
    try collective(.combine(reduction), UnsafeMutableRawBufferPointer(values))
  }

  func split(color: Int?, key: Int) throws(MessagingError) -> (any Communicator)? {
    precondition(color ?? 0 >= 0, "a color is not negative")
    return try hub.exclusively { () throws(MessagingError) -> (any Communicator)? in
      guard let part = try meet(.split, color: color, key: key) as? LocalGroup else { return nil }
      guard let place = part.members.firstIndex(of: worldRank) else { return nil }
      return LocalCommunicator(group: part, rank: place)
    }
  }

  func splitByNode() throws(MessagingError) -> any Communicator {
    guard let part = try split(color: worldRank / hub.ranksPerNode, key: rank) else {
      preconditionFailure("every rank lies on a node")
    }
    return part
  }

  func sharedSegment(count: Int) throws(MessagingError) -> any SharedSegment {
    precondition(count >= 0, "a block cannot hold a negative number of floats")
    let node = worldRank / hub.ranksPerNode
    if let stranger = group.members.firstIndex(where: { $0 / hub.ranksPerNode != node }) {
      throw MessagingError(
        call: "sharedSegment", rank: rank, peer: stranger,
        text: "the group spans several nodes; use splitByNode first")
    }
    return try hub.exclusively { () throws(MessagingError) -> any SharedSegment in
      guard let memory = try meet(.sharedSegment, color: nil, key: count) as? LocalSharedMemory
      else { preconditionFailure("a shared segment is made of memory") }
      return LocalSharedSegment(memory: memory, group: group, rank: rank, count: count)
    }
  }

  /// Fails the whole world; this thread sleeps for ever, as the call may not return.
  func abort(code: Int32) -> Never {
    hub.exclusively {
      hub.fail(
        worldRank, MessagingError(call: "abort", rank: rank, text: "aborted with code \(code)"))
      hub.finish(worldRank)
    }
    while true { sleep(3600) }
  }

  // MARK: under the lock

  private func collective(
    _ call: LocalCollective,
    _ bytes: UnsafeMutableRawBufferPointer = .init(start: nil, count: 0)
  ) throws(MessagingError) {
    try hub.exclusively { () throws(MessagingError) in
      _ = try complete(try join(call, bytes))
    }
  }

  private func join(
    _ call: LocalCollective, _ bytes: UnsafeMutableRawBufferPointer, color: Int? = nil,
    key: Int = 0
  ) throws(MessagingError) -> LocalOperation {
    try hub.check(call.name, rank: rank)
    count(bytes.count)
    let operation = take()
    operation.prepare(.collective(call), rank: rank, worldRank: worldRank, bytes: bytes)
    (operation.color, operation.key) = (color, key)
    collectiveCount += 1
    group.join(operation, number: collectiveCount)
    return operation
  }

  /// A collective call that hands something to each rank.
  private func meet(_ call: LocalCollective, color: Int?, key: Int) throws(MessagingError)
    -> AnyObject?
  {
    let operation = try join(call, .init(start: nil, count: 0), color: color, key: key)
    _ = try complete(operation)
    defer { operation.result = nil }
    return operation.result
  }

  private func complete(_ operation: LocalOperation) throws(MessagingError) -> Message {
    if !operation.isDone {
      try hub.check(operation.callName, rank: rank, peer: operation.peer)
      hub.sleep(until: operation)
      if !operation.isDone {
        try hub.check(operation.callName, rank: rank, peer: operation.peer)
      }
    }
    return try redeem(operation)
  }

  private func redeem(_ operation: LocalOperation) throws(MessagingError) -> Message {
    operation.inUse = false
    free.append(operation.slot)
    let peer = operation.peer
    if let fault = operation.fault {
      throw MessagingError(call: operation.callName, rank: rank, peer: peer, text: fault)
    }
    return Message(peer: peer ?? rank, tag: operation.tag, byteCount: operation.arrived)
  }

  private func find(_ request: Request) -> LocalOperation {
    precondition(
      operations.indices.contains(request.slot) && operations[request.slot].inUse,
      "a request is redeemed once, by the communicator that gave it")
    return operations[request.slot]
  }

  private func take() -> LocalOperation {
    if free.isEmpty {
      free.append(operations.count)
      operations.append(LocalOperation(slot: operations.count))
    }
    let operation = operations[free.removeLast()]
    operation.inUse = true
    return operation
  }

  private func count(_ bytes: Int) {
    hub.progress(worldRank)
    traffic.messages += 1
    traffic.bytes += bytes
  }

  private func check(peer: Int, tag: Int) {
    precondition(peer >= 0 && peer < size, "rank \(peer) is not in a group of \(size)")
    precondition(tag >= 0 && tag <= 32_767, "tags are 0 ... 32,767")
  }
}
