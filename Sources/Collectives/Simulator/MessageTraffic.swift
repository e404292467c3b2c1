// How messages come from one process to another: short ones leave at once, long ones when their
// receiver has answered; messages of one connection leave one after the other; whoever waits for
// one is told.

/// All messages and how far they are.
struct MessageTraffic {
  private struct Progress {
    /// When the sender asked to send and the receiver was ready to receive.
    var asked = Double.infinity, posted = Double.infinity
    var arrival = Double.infinity
    var hasLeft = false
    var senderWaits = false, receiverWaits = false
    /// The next message of the connection that wants to leave.
    var next: Int32 = -1
  }

  var network: FlowNetwork
  private let model: ClusterModel
  private let handshake: Double
  private let messages: [MessageMatching.Message]
  private var progress: [Progress]
  /// The message of each connection that wanted to leave last, as long as it has not.
  private var lastOfConnection: [Int32]

  init(_ matching: MessageMatching, _ network: FlowNetwork, _ model: ClusterModel) {
    (self.network, self.model, messages) = (network, model, matching.messages)
    handshake = model.handshake ?? 2 * model.latency
    progress = Array(repeating: Progress(), count: messages.count)
    lastOfConnection = Array(repeating: -1, count: matching.connections)
  }

  // MARK: what processes do

  /// The sender starts it.
  mutating func send(_ message: Int, at now: Double, _ queue: inout EventQueue) {
    if isShort(message) {
      leave(message, at: now, &queue)
    } else {
      progress[message].asked = now
      agree(message, at: now, &queue)
    }
  }

  /// The receiver is ready for it.
  mutating func post(_ message: Int, at now: Double, _ queue: inout EventQueue) {
    progress[message].posted = now
    if !isShort(message) { agree(message, at: now, &queue) }
  }

  /// Whether the sender is rid of it; if not, it will be resumed.
  mutating func isSettled(_ message: Int) -> Bool {
    if progress[message].hasLeft || isShort(message) { return true }
    progress[message].senderWaits = true
    return false
  }

  /// Whether the receiver has it; if not, it will be resumed.
  mutating func hasArrived(_ message: Int, at now: Double, _ queue: inout EventQueue) -> Bool {
    let arrival = progress[message].arrival
    if arrival <= now { return true }
    if arrival < .infinity {
      queue.push(Event(.resume, Int(messages[message].receiver), at: arrival))
    } else {
      progress[message].receiverWaits = true
    }
    return false
  }

  // MARK: on the way

  private func isShort(_ message: Int) -> Bool {
    messages[message].bytes <= Double(model.eagerLimit)
  }

  /// A long message leaves when its receiver, having been asked, has answered.
  private mutating func agree(_ message: Int, at now: Double, _ queue: inout EventQueue) {
    let half = messages[message].isLocal ? 0 : handshake / 2
    let start = max(progress[message].asked + half, progress[message].posted) + half
    guard start < .infinity else { return }
    if start <= now {
      leave(message, at: now, &queue)
    } else {
      queue.push(Event(.begin, message, at: start))
    }
  }

  /// It leaves as soon as those before it on its connection have.
  mutating func leave(_ message: Int, at now: Double, _ queue: inout EventQueue) {
    let connection = Int(messages[message].connection)
    let before = Int(lastOfConnection[connection])
    lastOfConnection[connection] = Int32(message)
    if before >= 0 {
      progress[before].next = Int32(message)
    } else {
      begin(message, at: now, &queue)
    }
  }

  private mutating func begin(_ message: Int, at now: Double, _ queue: inout EventQueue) {
    if messages[message].isLocal {
      queue.push(Event(.end, message, at: now + messages[message].bytes / model.localBandwidth))
    } else {
      network.begin(message, at: now)
    }
  }

  /// The last byte has left, if `version` is still the state of affairs.
  mutating func end(_ message: Int, _ version: UInt32, at now: Double, _ queue: inout EventQueue) {
    let isLocal = messages[message].isLocal
    guard isLocal || network.end(message, version: version) else { return }
    let arrival = now + (isLocal ? model.localLatency : model.latency)
    progress[message].hasLeft = true
    progress[message].arrival = arrival
    if progress[message].senderWaits {
      queue.push(Event(.resume, Int(messages[message].sender), at: now))
    }
    if progress[message].receiverWaits {
      queue.push(Event(.resume, Int(messages[message].receiver), at: arrival))
    }
    let next = Int(progress[message].next)
    if next >= 0 {
      begin(next, at: now, &queue)
    } else {
      lastOfConnection[Int(messages[message].connection)] = -1
    }
  }
}
