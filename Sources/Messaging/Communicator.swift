// What a rank can say to the others. Two implementations: `LocalWorld` (ranks as threads of one
// process) here, `MPIWorld` in the module MPIMessaging.

/// A message that has arrived, or the completion of a send.
public struct Message: Sendable, Equatable {
  /// Who sent it (for a send: to whom).
  public let peer: Int
  /// The tag it was sent with.
  public let tag: Int
  /// Its length; a receive may be shorter than its buffer, never longer.
  public let byteCount: Int

  /// A message's envelope.
  public init(peer: Int, tag: Int, byteCount: Int) {
    (self.peer, self.tag, self.byteCount) = (peer, tag, byteCount)
  }
}

/// An operation under way: a ticket that `test` or `wait` of the same communicator redeems once.
public struct Request: Sendable, Equatable {
  /// Index into the communicator's table of pending operations.
  public let slot: Int

  /// A ticket; made by communicators.
  public init(slot: Int) { self.slot = slot }
}

/// How values of all ranks are combined.
public enum Reduction: Sendable { case sum, minimum, maximum }

/// What a communicator has sent so far. Collective calls count the bytes of this rank's operand.
public struct Traffic: Sendable, Equatable {
  /// Point-to-point messages and collective operations started.
  public var messages = 0
  /// Bytes handed over.
  public var bytes = 0

  /// Nothing sent yet.
  public init() {}
}

/// A group of `size` ranks and this one's place in it.
///
/// Calls are made by one thread per rank. Messages between a pair of ranks with equal tags arrive in
/// the order of sending. Buffers of a request must stay valid and untouched until it is redeemed.
/// After an error a communicator is good for nothing but `abort`.
public protocol Communicator: AnyObject {
  /// This rank, 0 ..< size.
  var rank: Int { get }
  /// Number of ranks.
  var size: Int { get }
  /// The host this rank runs on, for messages.
  var hostName: String { get }
  /// What this rank has sent through this communicator.
  var traffic: Traffic { get }

  /// Starts sending; tags are 0 ... 32,767.
  func startSend(_ bytes: UnsafeRawBufferPointer, to peer: Int, tag: Int) throws(MessagingError)
    -> Request
  /// Starts receiving at most `bytes.count` bytes; `peer == nil` takes any sender.
  func startReceive(
    into bytes: UnsafeMutableRawBufferPointer, from peer: Int?, tag: Int
  ) throws(MessagingError) -> Request
  /// The outcome if the operation is complete (which ends the request), else nil.
  func test(_ request: Request) throws(MessagingError) -> Message?
  /// Waits for completion, which ends the request. Spins briefly, then gives up the core.
  func wait(_ request: Request) throws(MessagingError) -> Message
  /// To be called after a look at everything that is under way, if nothing had happened: the
  /// `looks`th such time in a row, from 1. Returns at once for a while, then gives up the core.
  func pause(after looks: Int) throws(MessagingError)
  /// The envelope of a message that has arrived and not been received, without receiving it.
  func probe(from peer: Int?, tag: Int) throws(MessagingError) -> Message?

  /// Returns when every rank has called it.
  func barrier() throws(MessagingError)
  /// Rank `root`'s bytes reach every rank; lengths must agree.
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws(MessagingError)
  /// The library's own all-reduce (sum), in place; lengths must agree.
  func startAllReduce(_ values: UnsafeMutableBufferPointer<Float>) throws(MessagingError) -> Request
  /// Blocking form of the library's all-reduce (sum), in place; often faster than start + wait.
  func allReduce(_ values: UnsafeMutableBufferPointer<Float>) throws(MessagingError)
  /// Combines a few numbers over all ranks, in place (agreements, tallies).
  func allReduce(_ values: UnsafeMutableBufferPointer<Double>, _ reduction: Reduction)
    throws(MessagingError)

  /// The group of ranks that gave the same color, ordered by key, then by rank; nil color: in none.
  func split(color: Int?, key: Int) throws(MessagingError) -> (any Communicator)?
  /// The group of ranks that share memory with this one.
  func splitByNode() throws(MessagingError) -> any Communicator
  /// One block per rank, of the `count` floats that it asks for, zero-filled, all visible to every
  /// rank of this group, which must lie on one node. Collective; so is its release.
  func sharedSegment(count: Int) throws(MessagingError) -> any SharedSegment

  /// Takes the whole job down with an exit code; never returns under MPI.
  func abort(code: Int32) -> Never
}

/// Fences of one segment that may be under way at the same time without being confused.
public let sharedSegmentChannels = 64

/// A rank's arrival at a fence.
public struct FenceTicket: Sendable, Equatable {
  /// Which sequence of fences, 0 ..< `sharedSegmentChannels`.
  public let channel: Int
  /// The how-manieth fence of the channel, from 1.
  public let number: Int

  /// A ticket; made by segments.
  public init(channel: Int, number: Int) { (self.channel, self.number) = (channel, number) }
}

/// Memory that the ranks of a node share: one block per rank, every block readable and writable by
/// all. Ordering is the user's duty (`fence` on both sides of an exchange).
///
/// A fence can be taken in two halves, `arrive` and then `hasPassed` or `wait`. Ranks that take
/// fences of several exchanges in turn keep them apart by channels: within a channel the nth
/// arrivals of all ranks belong together.
public protocol SharedSegment: AnyObject {
  /// Floats of this rank's block.
  var count: Int { get }
  /// The block of a rank of the group; starts on a 64-byte boundary.
  func block(of rank: Int) -> UnsafeMutablePointer<Float>
  /// Says that this rank's earlier writes are done; does not wait.
  func arrive(channel: Int) throws(MessagingError) -> FenceTicket
  /// Whether every rank has arrived; if so, what they wrote before is visible here.
  func hasPassed(_ ticket: FenceTicket) throws(MessagingError) -> Bool
  /// Waits until every rank has arrived. Spins briefly, then gives up the core.
  func wait(_ ticket: FenceTicket) throws(MessagingError)
}

extension SharedSegment {
  /// A barrier of the group after which writes made before it are visible to all.
  public func fence(channel: Int = 0) throws(MessagingError) {
    try wait(try arrive(channel: channel))
  }
}
