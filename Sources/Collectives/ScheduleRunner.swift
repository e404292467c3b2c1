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
  private let segment: (any SharedSegment)?
  private let memory: ScheduleMemory
  private var sendRequests: [Request?]
  private var incomingRequests: [Request?]
  private var libraryRequests: [Request?]

  private var round = 0
  private var hasBegun = false
  private var nextIncoming = 0
  private var nextSend = 0
  private var nextLibrary = 0
  private var fence: FenceTicket?
  private let bytesPerElement: Int
  private var trace: Trace?
  private var roundNames: [Int32] = []
  private var roundStart: Int64 = 0

  /// Arrivals taken and rounds ended so far: shows whether `advance` has found anything to do.
  public private(set) var events = 0
  /// Whether a vector is on its way.
  public private(set) var isRunning = false
  /// Finite values that became infinite when they were rounded for sending, since the runner was
  /// made.
  public var overflowCount: Int { memory.overflowCount }

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
    (self.communicator, self.tag, segment) = (communicator, tag, shared?.segment)
    bytesPerElement = wire.bytesPerElement
    memory = ScheduleMemory(plan, wire: wire, kernels: kernels, shared: shared)
    sendRequests = Array(repeating: nil, count: plan.sends.count)
    incomingRequests = Array(repeating: nil, count: plan.incoming.count)
    libraryRequests = Array(repeating: nil, count: plan.libraries.count)
  }

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

  /// Whether nothing but `finish` helps: a library call that blocks comes next.
  public var waitsForFinish: Bool {
    isRunning && !hasBegun && plan.rounds[round].waitsForFinish
  }

  /// Waits for what `start` began.
  public func finish() throws(MessagingError) {
    if isRunning { _ = try progress(blocking: true) }
  }

  private func begin(_ values: UnsafeMutableBufferPointer<Float>) {
    precondition(!isRunning, "the runner's last vector is still on its way")
    precondition(values.count >= plan.count, "the vector is shorter than the schedule")
    memory.values = values
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
      events += 1
      hasBegun = false
    }
    memory.roundSums(plan.finalRounding)
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
        UnsafeRawBufferPointer(memory.encoded(send)), to: send.peer, tag: tag)
    }
    for index in current.libraries {
      let part = memory.part(plan.libraries[index].range)
      if plan.libraries[index].blocking {
        try communicator.allReduce(part)
      } else {
        libraryRequests[index] = try communicator.startAllReduce(part)
      }
    }
    if current.fence, let segment {
      fence = try segment.arrive(channel: tag % sharedSegmentChannels)
    }
    try postReceives(middle..<posts.upperBound)
    for index in current.sums { memory.sum(plan.sums[index]) }
    for index in current.additions { memory.add(plan.additions[index]) }
    nextIncoming = current.incoming.lowerBound
    nextSend = current.sends.lowerBound
    nextLibrary = current.libraries.lowerBound
    hasBegun = true
  }

  private func postReceives(_ indices: Range<Int>) throws(MessagingError) {
    for index in indices where !plan.incoming[index].isLoad {
      let incoming = plan.incoming[index]
      incomingRequests[index] = try communicator.startReceive(
        into: memory.place(of: incoming), from: incoming.peer, tag: tag)
    }
  }

  private func passFence(blocking: Bool) throws(MessagingError) -> Bool {
    guard let ticket = fence, let segment else { return true }
    if blocking {
      try segment.wait(ticket)
    } else if try !segment.hasPassed(ticket) {
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
      memory.take(incoming)
      nextIncoming += 1
      events += 1
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
}
