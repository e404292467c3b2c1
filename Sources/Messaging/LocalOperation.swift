// What a rank of a `LocalWorld` has under way. Operations are the slots of a communicator's table:
// made once, used again for message after message.

/// A call that all ranks of a group make together.
enum LocalCollective: Equatable {
  case barrier
  case broadcast(root: Int)
  case sum
  case combine(Reduction)
  case split
  case sharedSegment

  var name: String {
    switch self {
    case .barrier: "barrier"
    case .broadcast(let root): "broadcast from rank \(root)"
    case .sum: "allReduce of floats"
    case .combine(let reduction): "allReduce (\(reduction)) of doubles"
    case .split: "split"
    case .sharedSegment: "sharedSegment"
    }
  }
}

/// One pending operation; guarded by the hub's lock.
final class LocalOperation {
  enum Kind {
    case send
    case receive
    case collective(LocalCollective)
    case fence
  }

  let slot: Int
  var kind = Kind.send
  var inUse = false
  var isDone = false
  /// The rank whose operation this is: in the group, and in the world.
  var rank = 0
  var worldRank = 0
  /// Whom to, or from whom (nil: anybody); ranks of the group.
  var peer: Int?
  var tag = 0
  var bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  /// Length of the message that arrived.
  var arrived = 0
  /// What went wrong with this operation alone.
  var fault: String?
  /// `split`'s arguments; the shared segment's length.
  var color: Int?
  var key = 0
  /// What a collective call hands to this rank: a group, a block of memory.
  var result: AnyObject?

  init(slot: Int) { self.slot = slot }

  func prepare(
    _ kind: Kind, rank: Int, worldRank: Int, peer: Int? = nil, tag: Int = 0,
    bytes: UnsafeMutableRawBufferPointer = .init(start: nil, count: 0)
  ) {
    (self.kind, self.rank, self.worldRank) = (kind, rank, worldRank)
    (self.peer, self.tag, self.bytes, arrived) = (peer, tag, bytes, bytes.count)
    (isDone, fault, color, key, result) = (false, nil, nil, 0, nil)
  }

  /// Whether a message of `source` with `tag` is for this receive.
  func accepts(source: Int, tag: Int) -> Bool {
    self.tag == tag && (peer == nil || peer == source)
  }

  var callName: String {
    switch kind {
    case .send: "send"
    case .receive: "receive"
    case .collective(let collective): collective.name
    case .fence: "fence"
    }
  }

  /// For the report of who waits for whom.
  var waitDescription: String {
    switch kind {
    case .send:
      "waits for rank \(peer ?? 0) to take a message of \(bytes.count) bytes with tag \(tag)"
    case .receive:
      "waits for a message with tag \(tag) from \(peer.map { "rank \($0)" } ?? "any rank")"
    case .collective(let collective): "waits in \(collective.name)"
    case .fence: "waits at a fence of shared memory"
    }
  }
}
