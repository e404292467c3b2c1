// What a cluster costs, in a handful of numbers: LogGP's parameters (Alexandrov et al. 1995) for
// messages between nodes, and the price of memory for what happens within a node.

/// The parameters of a cluster. Seconds, bytes, bytes per second.
public struct ClusterModel: Sendable, Equatable, Codable {
  /// From the moment the last byte leaves a node to its arrival at another.
  public var latency = 10e-6
  /// Of a node's port, in each direction, as a long message sees it.
  public var bandwidth = 1.25e9
  /// Nodes whose ports are faster or slower than that, and by which factor.
  public var nodeSpeed: [Int: Double] = [:]
  /// What the network between the ports carries in all; nil: as much as the ports. An
  /// oversubscribed switch, or the processors that move the bytes of nodes which are namespaces.
  public var fabric: Double?
  /// Processor time to send, and to receive, one message.
  public var sendOverhead = 1e-6, receiveOverhead = 1e-6
  /// Longer messages wait for their receiver's word; shorter ones leave at once. The runner's are
  /// never longer than `messageBytes`, so this matters where a library's limit lies below.
  public var eagerLimit = 65536
  /// What asking and answering take before a longer message leaves; nil: two latencies.
  public var handshake: Double?
  /// Sends up to this length are complete when handed over: it fits into a socket's buffer. Longer
  /// ones are when their last byte has left.
  public var sendBuffer = 64 << 10
  /// Processor time per byte that arrives and is added.
  public var reduceCost = 0.1e-9
  /// Processor time per byte that is read or written in the memory of a node, all its ranks at it.
  public var memoryCost = 0.1e-9
  /// From the last rank's arrival at a fence to the moment at which all go on.
  public var fence = 1e-6
  /// Of a message within a node.
  public var localLatency = 0.5e-6, localBandwidth = 5e9
  /// Processors of a node; nil: one per rank. More ranks than processors share them evenly.
  public var cores: Int?
  /// The nodes are namespaces of one machine: `cores` is what all of them have together.
  public var isOneMachine = false

  /// A cluster of single-core nodes on 10 Gbit/s Ethernet.
  public init() {}

  /// What is wrong with the parameters; nil if nothing is.
  public var objection: String? {
    let positive = [
      ("bandwidth", bandwidth), ("local bandwidth", localBandwidth), ("fabric", fabric ?? 1),
      ("cores", Double(cores ?? 1)),
    ]
    let others = [
      ("latency", latency), ("send overhead", sendOverhead), ("receive overhead", receiveOverhead),
      ("eager limit", Double(eagerLimit)), ("handshake", handshake ?? 0),
      ("send buffer", Double(sendBuffer)), ("reduce cost", reduceCost), ("memory cost", memoryCost),
      ("fence", fence),
      ("local latency", localLatency),
    ]
    if let (name, _) = positive.first(where: { !($0.1 > 0) || !$0.1.isFinite }) {
      return "\(name): a number above 0 is needed"
    }
    if let (name, _) = others.first(where: { !($0.1 >= 0) || !$0.1.isFinite }) {
      return "\(name): a finite number of at least 0 is needed"
    }
    if nodeSpeed.contains(where: { $0.key < 0 || !($0.value > 0) || !$0.value.isFinite }) {
      return "node speeds: a factor above 0 is needed for nodes from 0 on"
    }
    return isOneMachine && cores == nil ? "one machine: its number of cores is needed" : nil
  }
}

/// A simulation that cannot be.
public struct SimulationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence.
  public let description: String

  init(_ description: String) { self.description = description }
}
