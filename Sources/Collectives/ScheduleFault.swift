// What is wrong with a schedule, and where.

/// A fault that `ScheduleVerifier` has found.
public struct ScheduleFault: Error, Sendable, Equatable, CustomStringConvertible {
  /// The rank whose schedule it was noticed in.
  public let rank: Int
  /// The round, from 0; the number of rounds if it is the result that is wrong.
  public let round: Int
  /// Place within the round's list of transfers; nil if no single one is to blame.
  public let transfer: Int?
  /// What is wrong.
  public let text: String

  /// A fault.
  public init(rank: Int, round: Int, transfer: Int? = nil, text: String) {
    (self.rank, self.round, self.transfer, self.text) = (rank, round, transfer, text)
  }

  /// For example `rank 2, round 1, transfer 0: nobody receives what is sent to rank 3`.
  public var description: String {
    "rank \(rank), round \(round)\(transfer.map { ", transfer \($0)" } ?? ""): \(text)"
  }
}
