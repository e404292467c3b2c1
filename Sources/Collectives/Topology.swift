// Which ranks share a node: what an algorithm may know about the machine. Everything else about a
// schedule is arithmetic on ranks and elements.

import Messaging

/// The node of each rank.
public struct Topology: Sendable, Equatable {
  /// The node of each rank; nodes are numbered from 0 in the order in which ranks come to them.
  public let nodes: [Int]
  /// The ranks of each node, ascending.
  public let members: [[Int]]

  /// - Parameter nodes: any number per node, for each rank.
  public init(nodes: [Int]) {
    precondition(!nodes.isEmpty, "there is at least one rank")
    var numbers: [Int: Int] = [:]
    var members: [[Int]] = []
    self.nodes = nodes.enumerated().map { rank, node in
      let number = numbers[node] ?? members.count
      if number == members.count {
        numbers[node] = number
        members.append([])
      }
      members[number].append(rank)
      return number
    }
    self.members = members
  }

  /// Every rank on a node of its own.
  public static func scattered(_ ranks: Int) -> Topology { Topology(nodes: Array(0..<ranks)) }

  /// All ranks on one node.
  public static func oneNode(_ ranks: Int) -> Topology {
    Topology(nodes: Array(repeating: 0, count: ranks))
  }

  /// Number of ranks.
  public var ranks: Int { nodes.count }

  /// Whether all ranks share memory.
  public var isOneNode: Bool { members.count == 1 }

  /// The place of a rank among the ranks of its node.
  public func place(of rank: Int) -> Int {
    members[nodes[rank]].firstIndex(of: rank) ?? 0
  }

  /// Finds out which ranks of `communicator` share memory. Collective.
  ///
  /// - Parameter node: what `splitByNode` gave.
  public init(of communicator: any Communicator, node: any Communicator) throws(MessagingError) {
    let leader = Int(try node.allReduce(Double(communicator.rank), .minimum))
    var leaders = [Double](repeating: 0, count: communicator.size)
    leaders[communicator.rank] = Double(leader)
    let call = { (values: UnsafeMutableBufferPointer<Double>) throws(MessagingError) in
      try communicator.allReduce(values, .sum)
    }
    try leaders.withUnsafeMutableBufferPointer { values throws(MessagingError) in
      try call(values)
    }
    self.init(nodes: leaders.map { Int($0) })
  }
}
