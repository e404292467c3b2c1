// The ranks that sum vectors together: their communicator, their topology, and vectors that lie
// where schedules can reach them.

import Basics
import Kernels
import Messaging

/// A vector that schedules run on.
public struct GroupVector {
  /// The values, zero at first.
  public let buffer: FloatBuffer
  /// How other ranks of the node reach their copies; nil where this rank has its node to itself.
  public let shared: SharedVectors?

  init(buffer: FloatBuffer, shared: SharedVectors?) {
    (self.buffer, self.shared) = (buffer, shared)
  }

  /// A vector that no other rank reaches.
  public init(own buffer: FloatBuffer) { self.init(buffer: buffer, shared: nil) }
}

/// A communicator, and which of its ranks share memory.
public final class RankGroup {
  /// The ranks.
  public let communicator: any Communicator
  /// Their nodes.
  public let topology: Topology
  private let node: any Communicator

  /// Collective.
  public init(_ communicator: any Communicator) throws(MessagingError) {
    self.communicator = communicator
    node = try communicator.splitByNode()
    topology = try Topology(of: communicator, node: node)
  }

  /// This rank.
  public var rank: Int { communicator.rank }
  /// Number of ranks.
  public var size: Int { communicator.size }
  /// The ranks of this node, this one among them.
  public var neighbours: [Int] { topology.members[topology.nodes[rank]] }

  /// Allocates a vector of `count` floats on every rank, in memory that the ranks of a node share
  /// where there are several. Collective.
  public func vector(count: Int) throws(MessagingError) -> GroupVector {
    guard node.size > 1 else {
      return GroupVector(buffer: FloatBuffer(count: count), shared: nil)
    }
    let segment = try node.sharedSegment(count: FloatBuffer.aligned(count))
    return vector(count, in: segment, block: node.rank)
  }

  /// Allocates one vector of `count` floats per node, which its ranks have in common. Collective.
  public func commonVector(count: Int) throws(MessagingError) -> GroupVector {
    let segment = try node.sharedSegment(count: node.rank == 0 ? FloatBuffer.aligned(count) : 0)
    return vector(count, in: segment, block: 0)
  }

  private func vector(_ count: Int, in segment: any SharedSegment, block: Int) -> GroupVector {
    var blocks = [Int?](repeating: nil, count: size)
    for (block, rank) in neighbours.enumerated() { blocks[rank] = block }
    return GroupVector(
      buffer: FloatBuffer(segment.block(of: block), count: count, owner: segment),
      shared: SharedVectors(segment, blocks: blocks, rank: rank))
  }

  /// A runner for schedules on (parts of) `vector`.
  ///
  /// - Parameters: see `ScheduleRunner`.
  public func runner(
    _ schedule: Schedule, on vector: GroupVector, tag: Int, kernels: KernelTable,
    wire: WireFormat = .float32
  ) -> ScheduleRunner {
    ScheduleRunner(
      schedule, communicator: communicator, tag: tag, kernels: kernels, wire: wire,
      shared: vector.shared)
  }
}
