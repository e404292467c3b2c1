// Shared memory between ranks that are threads: simply memory, and fences that the hub knows of.

/// The memory itself, owned by all ranks together; freed with the last of them.
final class LocalSharedMemory {
  let blocks: Int
  let stride: Int
  let base: UnsafeMutablePointer<Float>
  /// How many fences each rank has come to, by channel; under the hub's lock.
  var arrivals: [[Int]]
  /// Ranks asleep at a fence: their operation and the number they wait for.
  var sleepers: [(operation: LocalOperation, channel: Int, number: Int)] = []

  /// Every block has room for the longest.
  init(blocks: Int, count: Int) {
    self.blocks = blocks
    stride = (count + 15) / 16 * 16
    let total = max(stride * blocks, 16)
    let raw = UnsafeMutableRawPointer.allocate(byteCount: total * 4, alignment: 64)
    base = raw.bindMemory(to: Float.self, capacity: total)
    base.initialize(repeating: 0, count: total)
    arrivals = Array(
      repeating: Array(repeating: 0, count: blocks), count: sharedSegmentChannels)
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }

  func hasPassed(_ channel: Int, _ number: Int) -> Bool {
    arrivals[channel].allSatisfy { $0 >= number }
  }
}

/// One rank's view of the memory.
final class LocalSharedSegment: SharedSegment {
  private let memory: LocalSharedMemory
  private let group: LocalGroup
  private let rank: Int
  let count: Int
  private let operation = LocalOperation(slot: 0)

  init(memory: LocalSharedMemory, group: LocalGroup, rank: Int, count: Int) {
    (self.memory, self.group, self.rank, self.count) = (memory, group, rank, count)
  }

  func block(of rank: Int) -> UnsafeMutablePointer<Float> {
    precondition(rank >= 0 && rank < memory.blocks, "no such block")
    return memory.base + rank * memory.stride
  }

  func arrive(channel: Int) throws(MessagingError) -> FenceTicket {
    try group.hub.exclusively { () throws(MessagingError) -> FenceTicket in
      try group.hub.check("fence", rank: rank)
      return enter(channel)
    }
  }

  func hasPassed(_ ticket: FenceTicket) throws(MessagingError) -> Bool {
    let hub = group.hub
    return try hub.exclusively { () throws(MessagingError) -> Bool in
      try hub.check("fence", rank: rank)
      if memory.hasPassed(ticket.channel, ticket.number) { return true }
      hub.polled(group.members[rank])
      return false
    }
  }

  func wait(_ ticket: FenceTicket) throws(MessagingError) {
    let hub = group.hub
    try hub.exclusively { () throws(MessagingError) in
      try hub.check("fence", rank: rank)
      if memory.hasPassed(ticket.channel, ticket.number) { return }
      operation.prepare(.fence, rank: rank, worldRank: group.members[rank])
      memory.sleepers.append((operation, ticket.channel, ticket.number))
      hub.sleep(until: operation)
      if !operation.isDone { try hub.check("fence", rank: rank) }
    }
  }

  /// Counts this rank in and wakes those who waited for it. Under the lock.
  private func enter(_ channel: Int) -> FenceTicket {
    precondition(memory.arrivals.indices.contains(channel), "no such channel")
    memory.arrivals[channel][rank] += 1
    let number = memory.arrivals[channel][rank]
    memory.sleepers.removeAll { sleeper in
      guard memory.hasPassed(sleeper.channel, sleeper.number) else { return false }
      group.hub.complete(sleeper.operation)
      return true
    }
    group.hub.progress(group.members[rank])
    return FenceTicket(channel: channel, number: number)
  }
}
