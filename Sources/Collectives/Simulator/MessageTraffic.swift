// How messages come from one process to another: short ones leave at once, long ones when their
// receiver has answered; whoever waits for one is told.

/// All messages and how far they are.
struct MessageTraffic {
  private struct Progress {
    /// When the sender asked to send and the receiver was ready to receive.
    var asked = Double.infinity, posted = Double.infinity
    var arrival = Double.infinity
    var hasLeft = false
    var senderWaits = false, receiverWaits = false
  }

  var network: FlowNetwork
  private let model: ClusterModel
  private let handshake: Double
  private let messages: [MessageMatching.Message]
  private var progress: [Progress]

  init(_ matching: MessageMatching, _ network: FlowNetwork, _ model: ClusterModel) {
    (self.network, self.model, messages) = (network, model, matching.messages)
    handshake = model.handshake ?? 2 * model.latency
    progress = Array(repeating: Progress(), count: messages.count)
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
    if progress[message].hasLeft || isBuffered(message) { return true }
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

  private func isBuffered(_ message: Int) -> Bool {
    isShort(message) && messages[message].bytes <= Double(model.sendBuffer)
  }

  /// The runner cuts what is longer than `messageBytes`.
  private func isShort(_ message: Int) -> Bool {
    min(messages[message].bytes, Double(messageBytes)) <= Double(model.eagerLimit)
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

  /// It sets out.
  mutating func leave(_ message: Int, at now: Double, _ queue: inout EventQueue) {
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
  }
}
