// Executes a schedule: all at once, or a bit at a time while the caller computes in between.
//
// Receives are posted, and sends started, as many rounds ahead as the plan allows; what a round
// receives is taken, and its sends are over, before the next is begun. Values that overwrite are
// received in their place; values that are added arrive in staging memory first.
// With a 16-bit wire format all messages pass through staging memory: a round begins by rounding
// what it sends, in place and into staging, and what arrives is decoded on the way to its place.
// Nothing is allocated while running.

import Basics
import Kernels
import Messaging

/// Runs one schedule over one communicator with one tag, again and again.
///
/// Several runners may be in flight on a communicator, each with a tag of its own. Runners that
/// are finished by blocking must be finished in the same order on all ranks.
public final class ScheduleRunner {
  private let plan: Plan
  private let communicator: any Communicator
  private let tag: Int
  private let kernels: KernelTable
  private let shared: SharedVectors?
  private let staging: StagingMemory
  private var sendRequests: [Request?]
  private var incomingRequests: [Request?]
  private var libraryRequests: [Request?]

  private var values = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
  private var round = 0
  private var hasBegun = false
  private var nextIncoming = 0
  private var nextSend = 0
  private var nextLibrary = 0
  private var fence: FenceTicket?
  /// Room for the addresses that a sum reads and writes.
  private let addresses: UnsafeMutablePointer<FloatsOut>
  private let bytesPerElement: Int
  private var trace: Trace?
  private var roundNames: [Int32] = []
  private var roundStart: Int64 = 0

  /// Whether a vector is on its way.
  public private(set) var isRunning = false
  /// Finite values that became infinite when they were rounded for sending, since the runner was
  /// made.
  public private(set) var overflowCount = 0

  /// - Parameters:
  ///   - tag: keeps this runner's messages apart; the same on all ranks. Its fences use channel
  ///     `tag % sharedSegmentChannels` of the segment.
  ///   - kernels: adds what arrives.
  ///   - wire: the form of messages; the same on all ranks. Loads and library calls have float32.
  ///   - shared: needed by schedules with loads or fences; vectors must then lie in this rank's
  ///     block, at the same place on all ranks.
  public init(
    _ schedule: Schedule, communicator: any Communicator, tag: Int, kernels: KernelTable,
    wire: WireFormat = .float32, shared: SharedVectors? = nil
  ) {
    plan = Plan(schedule, wire: wire)
    precondition(
      shared != nil || !(plan.hasLoads || plan.hasFences),
      "a schedule with loads or fences needs shared memory")
    (self.communicator, self.tag) = (communicator, tag)
    (self.kernels, self.shared, bytesPerElement) = (kernels, shared, wire.bytesPerElement)
    staging = StagingMemory(count: plan.stagingCount, wire: wire, kernels: kernels)
    sendRequests = Array(repeating: nil, count: plan.sends.count)
    incomingRequests = Array(repeating: nil, count: plan.incoming.count)
    libraryRequests = Array(repeating: nil, count: plan.libraries.count)
    addresses = .allocate(
      capacity: max(1, plan.sums.map { $0.over.count + $0.into.count }.max() ?? 0))
  }

  deinit { addresses.deallocate() }

  /// Records its rounds from now on, in a row of their own.
  public func record(in trace: Trace?) {
    self.trace = trace
    roundNames = plan.rounds.indices.compactMap { trace?.number(of: "round \($0)") }
  }

  /// Executes the schedule on `values` and returns when it is complete.
  public func run(on values: UnsafeMutableBufferPointer<Float>) throws(MessagingError) {
    begin(values)
    _ = try progress(blocking: true)
  }

  /// Begins to execute the schedule on `values`, which must stay untouched until it is complete.
  public func start(on values: UnsafeMutableBufferPointer<Float>) throws(MessagingError) {
    begin(values)
    _ = try progress(blocking: false)
  }

  /// Does what can be done without waiting; true when the schedule is complete (or none runs).
  /// It stops before a blocking library call, which is left to `finish`.
  public func advance() throws(MessagingError) -> Bool {
    isRunning ? try progress(blocking: false) : true
  }

  /// Waits for what `start` began.
  public func finish() throws(MessagingError) {
    if isRunning { _ = try progress(blocking: true) }
  }

  private func begin(_ values: UnsafeMutableBufferPointer<Float>) {
    precondition(!isRunning, "the runner's last vector is still on its way")
    precondition(values.count >= plan.count, "the vector is shorter than the schedule")
    self.values = values
    (round, hasBegun, isRunning) = (0, false, true)
  }

  // MARK: progress

  private func progress(blocking: Bool) throws(MessagingError) -> Bool {
    while round < plan.rounds.count {
      let current = plan.rounds[round]
      if !hasBegun {
        if current.waitsForFinish && !blocking { return false }
        roundStart = trace.start
        try beginRound(current)
      }
      guard
        try passFence(blocking: blocking),
        try takeIncoming(current, blocking: blocking),
        try completeSends(current, blocking: blocking),
        try completeLibraries(current, blocking: blocking)
      else { return false }
      trace?.record(roundNames[round], Trace.Track.rounds + Int32(tag), since: roundStart)
      round += 1
      hasBegun = false
    }
    roundSums()
    isRunning = false
    return true
  }

  private func beginRound(_ current: Plan.Round) throws(MessagingError) {
    // What the round waits for, then what others wait for, then what they will.
    let posts = current.posts
    let middle = min(max(posts.lowerBound, current.incoming.upperBound), posts.upperBound)
    try postReceives(posts.lowerBound..<middle)
    for index in current.starts {
      let send = plan.sends[index]
      sendRequests[index] = try communicator.startSend(
        UnsafeRawBufferPointer(encoded(send)), to: send.peer, tag: tag)
    }
    for index in current.libraries {
      let part = UnsafeMutableBufferPointer(rebasing: values[plan.libraries[index].range])
      if plan.libraries[index].blocking {
        try communicator.allReduce(part)
      } else {
        libraryRequests[index] = try communicator.startAllReduce(part)
      }
    }
    if current.fence, let shared {
      fence = try shared.segment.arrive(channel: tag % sharedSegmentChannels)
    }
    try postReceives(middle..<posts.upperBound)
    for index in current.sums { sum(plan.sums[index]) }
    for index in current.additions { add(plan.additions[index]) }
    nextIncoming = current.incoming.lowerBound
    nextSend = current.sends.lowerBound
    nextLibrary = current.libraries.lowerBound
    hasBegun = true
  }

  private func postReceives(_ indices: Range<Int>) throws(MessagingError) {
    for index in indices where !plan.incoming[index].isLoad {
      let incoming = plan.incoming[index]
      let place =
        incoming.staging.map { staging.bytes($0, count: incoming.range.count) }
        ?? bytes(incoming.range)
      incomingRequests[index] = try communicator.startReceive(
        into: place, from: incoming.peer, tag: tag)
    }
  }

  private func passFence(blocking: Bool) throws(MessagingError) -> Bool {
    guard let ticket = fence, let shared else { return true }
    if blocking {
      try shared.segment.wait(ticket)
    } else if try !shared.segment.hasPassed(ticket) {
      return false
    }
    fence = nil
    return true
  }

  /// Arrivals in the order in which they are listed: equal schedules give equal bits.
  private func takeIncoming(_ current: Plan.Round, blocking: Bool) throws(MessagingError) -> Bool {
    while nextIncoming < current.incoming.upperBound {
      let incoming = plan.incoming[nextIncoming]
      guard
        try redeem(
          &incomingRequests[nextIncoming], blocking,
          expecting: incoming.range.count * bytesPerElement)
      else { return false }
      if incoming.afterSends {
        guard try completeSends(current, blocking: blocking) else { return false }
      }
      take(incoming)
      nextIncoming += 1
    }
    return true
  }

  private func completeSends(_ current: Plan.Round, blocking: Bool) throws(MessagingError) -> Bool {
    while nextSend < current.sends.upperBound {
      guard try redeem(&sendRequests[nextSend], blocking) else { return false }
      nextSend += 1
    }
    return true
  }

  private func completeLibraries(_ current: Plan.Round, blocking: Bool) throws(MessagingError)
    -> Bool
  {
    while nextLibrary < current.libraries.upperBound {
      guard try redeem(&libraryRequests[nextLibrary], blocking) else { return false }
      nextLibrary += 1
    }
    return true
  }

  /// Whether the request, if there is one, is complete. A message that is longer than expected is
  /// the communicator's error; a shorter one is ours.
  private func redeem(
    _ request: inout Request?, _ blocking: Bool, expecting byteCount: Int? = nil
  ) throws(MessagingError) -> Bool {
    guard let pending = request else { return true }
    let message = blocking ? try communicator.wait(pending) : try communicator.test(pending)
    guard let message else { return false }
    request = nil
    if let byteCount, message.byteCount != byteCount {
      throw MessagingError(
        call: "all-reduce", rank: communicator.rank, peer: message.peer,
        text: "it sent \(message.byteCount) bytes where \(byteCount) were expected: the ranks "
          + "differ in vector length, element type or algorithm")
    }
    return true
  }

  // MARK: memory

  private func take(_ incoming: Plan.Incoming) {
    guard let base = values.baseAddress else { return }
    let target = base + incoming.range.lowerBound
    let count = incoming.range.count
    if let place = incoming.staging {
      staging.take(place, count: count, incoming.arrival, into: target)
    } else if incoming.isLoad {
      let source = UnsafePointer(vector(of: incoming.peer) + incoming.range.lowerBound)
      switch incoming.arrival {
      case .add: kernels.add(count, x: source, y: target)
      case .copy: target.update(from: source, count: count)
      }
    }
  }

  private func sum(_ sum: Plan.Sum) {
    var place = addresses
    for rank in sum.over {
      place.initialize(to: vector(of: rank) + sum.range.lowerBound)
      place += 1
    }
    for rank in sum.into {
      place.initialize(to: vector(of: rank) + sum.range.lowerBound)
      place += 1
    }
    kernels.sumVectors(
      sum.range.count, x: addresses, over: sum.over.count, y: addresses + sum.over.count,
      into: sum.into.count)
  }

  private func add(_ addition: (range: Range<Int>, to: Int)) {
    guard let base = values.baseAddress else { return }
    kernels.add(
      addition.range.count, x: base + addition.range.lowerBound, y: base + addition.to)
  }

  /// The vector of a rank of the node: as far into its block as ours is into our own.
  private func vector(of peer: Int) -> UnsafeMutablePointer<Float> {
    guard let shared, let base = values.baseAddress, let block = shared.blocks[peer] else {
      preconditionFailure("rank \(peer) shares no memory with this one")
    }
    let offset = base - shared.segment.block(of: shared.ownBlock)
    precondition(
      offset >= 0 && offset + values.count <= shared.segment.count,
      "the vector must lie in this rank's block of shared memory")
    return shared.segment.block(of: block) + offset
  }

  /// What a send hands over: the values themselves, or, rounded, their 16-bit form.
  private func encoded(_ send: Plan.Send) -> UnsafeMutableRawBufferPointer {
    guard let place = send.staging, let base = values.baseAddress else { return bytes(send.range) }
    let count = send.range.count
    overflowCount += staging.encode(base + send.range.lowerBound, count: count, at: place)
    return staging.bytes(place, count: count)
  }

  /// Gives sums that other ranks may have got by message the values that those have.
  private func roundSums() {
    guard let base = values.baseAddress else { return }
    switch plan.finalRounding {
    case .everything: overflowCount += staging.round(base, count: values.count)
    case .ranges(let ranges):
      for range in ranges {
        overflowCount += staging.round(base + range.lowerBound, count: range.count)
      }
    }
  }

  private func bytes(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: values[range]))
  }
}
