// The one error type of communication.

/// Something went wrong between ranks: which call, on which rank, towards whom, and in which words
/// the library put it.
public struct MessagingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The call that failed, for example `MPI_Isend`.
  public let call: String
  /// The rank that noticed.
  public let rank: Int
  /// The other side, where there is one.
  public let peer: Int?
  /// The library's own explanation.
  public let text: String
  /// Whether every rank has the same error: then one of them saying so is enough, and all may end
  /// in good order. Otherwise the job must be aborted.
  public let isShared: Bool

  /// An error.
  public init(
    call: String, rank: Int, peer: Int? = nil, text: String, isShared: Bool = false
  ) {
    (self.call, self.rank, self.peer, self.text) = (call, rank, peer, text)
    self.isShared = isShared
  }

  /// For example `rank 2: MPI_Irecv (peer rank 3) failed: MPI_ERR_TRUNCATE: message truncated`.
  public var description: String {
    let towards = peer.map { " (peer rank \($0))" } ?? ""
    return "rank \(rank): \(call)\(towards) failed: \(text)"
  }
}
