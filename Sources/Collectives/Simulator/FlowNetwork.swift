// Messages on their way share ports evenly: none gets more than another on a port that is full, and
// what a message cannot use, because it is held up elsewhere, the others get (max-min fairness;
// SimGrid's model, Casanova et al. 2014). Messages, not connections: libraries hand messages to
// sockets as they are started, so that a connection with more of them gets more. Sharing by
// connection foresees a double tree of 25 MB on 8 namespace nodes 33 % too slow, this 6 % too fast.
//
// Every port has a level, the most that it grants to any one message; a message runs at the lowest
// level on its way. A port that is joined or left finds its new level from the levels at the other
// ends, and passes a change on to them. Cost: where one message has a port to itself, O(1).

/// Ports, and the messages that pass through them.
struct FlowNetwork {
  private struct Flow {
    var up: Int32, down: Int32
    var rate = 0.0
    var remaining: Double
    /// When `remaining` was true.
    var since = 0.0
    var version: UInt32 = 0
  }

  private struct Port {
    var capacity: Double
    var level = Double.infinity
    var flows: [Int32] = []
    var isDirty = false
  }

  private var flows: [Flow] = []
  private var ports: [Port]
  /// The port through which everything passes; -1: there is none.
  private let fabric: Int
  private var dirty: [Int] = []
  private var touched: [Int32] = []
  /// Room for `fairLevel`.
  private var wants: [Double] = []

  /// - Parameters:
  ///   - speeds: of each node's port.
  ///   - fabric: of what lies between the ports.
  init(speeds: [Double], fabric: Double?) {
    ports = speeds.flatMap { [Port(capacity: $0), Port(capacity: $0)] }
    self.fabric = fabric == nil ? -1 : ports.count
    if let fabric { ports.append(Port(capacity: fabric)) }
  }

  /// Whether rates are not what they must be before time goes on.
  var isUnsettled: Bool { !dirty.isEmpty }

  /// One more message, with the next number, from a node to another.
  mutating func append(bytes: Double, from: Int, to: Int) {
    flows.append(Flow(up: Int32(2 * from), down: Int32(2 * to + 1), remaining: bytes))
  }

  /// The message begins to leave.
  mutating func begin(_ message: Int, at time: Double) {
    flows[message].since = time
    forEachPort(flows[message]) { network, port in
      network.ports[port].flows.append(Int32(message))
      network.markDirty(port)
    }
    touched.append(Int32(message))
  }

  /// Whether an end foreseen under `version` happens; if so the message leaves its ports.
  mutating func end(_ message: Int, version: UInt32) -> Bool {
    guard flows[message].version == version else { return false }
    forEachPort(flows[message]) { network, port in
      if let place = network.ports[port].flows.firstIndex(of: Int32(message)) {
        network.ports[port].flows.remove(at: place)
      }
      network.markDirty(port)
    }
    return true
  }

  /// Finds all rates anew and foresees ends.
  mutating func settle(at time: Double, _ queue: inout EventQueue) {
    // Levels converge after a few turns; the bound only guards against rounding errors that chase
    // each other in circles.
    var budget = 1000 + 100 * dirty.count
    var next = 0
    while next < dirty.count, budget > 0 {
      let port = dirty[next]
      next += 1
      budget -= 1
      ports[port].isDirty = false
      relevel(port)
    }
    while next < dirty.count {
      ports[dirty[next]].isDirty = false
      next += 1
    }
    dirty.removeAll(keepingCapacity: true)
    for index in touched {
      let message = Int(index)
      let rate = level(of: flows[message], without: -1)
      guard rate != flows[message].rate else { continue }
      let passed = (time - flows[message].since) * flows[message].rate
      let remaining = max(0, flows[message].remaining - passed)
      flows[message].remaining = remaining
      (flows[message].rate, flows[message].since) = (rate, time)
      flows[message].version += 1
      queue.push(
        Event(.end, message, at: time + remaining / rate, version: flows[message].version))
    }
    touched.removeAll(keepingCapacity: true)
  }

  private mutating func markDirty(_ port: Int) {
    guard !ports[port].isDirty else { return }
    ports[port].isDirty = true
    dirty.append(port)
  }

  private mutating func forEachPort(_ flow: Flow, _ body: (inout FlowNetwork, Int) -> Void) {
    body(&self, Int(flow.up))
    body(&self, Int(flow.down))
    if fabric >= 0 { body(&self, fabric) }
  }

  /// The lowest level on the way, one port left out.
  private func level(of flow: Flow, without port: Int) -> Double {
    var level = Double.infinity
    if flow.up != port { level = min(level, ports[Int(flow.up)].level) }
    if flow.down != port { level = min(level, ports[Int(flow.down)].level) }
    if fabric >= 0, fabric != port { level = min(level, ports[fabric].level) }
    return level
  }

  private mutating func relevel(_ port: Int) {
    let old = ports[port].level
    let new = fairLevel(port)
    // Rounding errors are no change; what is left of them must not be passed around for ever.
    guard new != old, !(old.isFinite && abs(new - old) <= 1e-12 * old) else { return }
    ports[port].level = new
    for place in ports[port].flows.indices {
      let message = ports[port].flows[place]
      let flow = flows[Int(message)]
      let rest = level(of: flow, without: port)
      guard min(old, rest) != min(new, rest) else { continue }
      touched.append(message)
      forEachPort(flow) { network, other in
        guard other != port, min(old, new) < network.ports[other].level else { return }
        network.markDirty(other)
      }
    }
  }

  /// The most that a port can grant to each of its messages, some of which want less.
  private mutating func fairLevel(_ port: Int) -> Double {
    let members = ports[port].flows, capacity = ports[port].capacity
    if members.isEmpty { return .infinity }
    if members.count == 1 {
      return level(of: flows[Int(members[0])], without: port) < capacity ? .infinity : capacity
    }
    wants.removeAll(keepingCapacity: true)
    for message in members {
      let want = level(of: flows[Int(message)], without: port)
      // Few at a time: sorted as they come.
      wants.insert(want, at: wants.firstIndex { $0 > want } ?? wants.count)
    }
    var left = capacity
    for (place, want) in wants.enumerated() {
      let share = left / Double(wants.count - place)
      if want >= share { return share }
      left -= want
    }
    return .infinity
  }
}
