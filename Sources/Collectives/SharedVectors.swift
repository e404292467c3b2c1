// How a rank finds the other ranks' copies of a vector in the memory that a node shares.

import Messaging

/// The part of shared memory in which the vectors of a node's ranks lie, for schedules with loads.
public struct SharedVectors {
  /// One block per rank of the node.
  public let segment: any SharedSegment
  /// The segment's block of each rank of the runner's communicator; nil on another node.
  public let blocks: [Int?]
  /// The segment's block of this rank.
  public let ownBlock: Int

  /// - Parameters:
  ///   - blocks: for each rank of the runner's communicator its block, or nil on another node.
  ///   - rank: this rank in the runner's communicator.
  public init(_ segment: any SharedSegment, blocks: [Int?], rank: Int) {
    guard let own = blocks[rank] else { preconditionFailure("this rank has no block") }
    (self.segment, self.blocks, ownBlock) = (segment, blocks, own)
  }

  /// All ranks of the communicator lie on one node and own the block of their number.
  public init(_ segment: any SharedSegment, communicator: any Communicator) {
    self.init(segment, blocks: (0..<communicator.size).map { $0 }, rank: communicator.rank)
  }
}
