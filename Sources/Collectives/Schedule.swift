// An all-reduce algorithm is a pure function that returns a schedule: rounds of transfers that one
// small runner executes, one verifier checks for any number of ranks without starting one, and one
// simulator times. (Kin: libNBC's schedules, MSCCL's programs.)

/// What becomes of values that arrive.
public enum Arrival: Sendable, Equatable {
  /// Added to what is there.
  case add
  /// Overwrites what is there.
  case copy
}

/// One rank's part in moving a range of the vector. A range means the same elements on every rank.
public enum Transfer: Sendable, Equatable {
  /// Sends this rank's values of the range; a 16-bit wire format rounds them in place.
  case send(Range<Int>, to: Int)
  /// Takes the values that another rank sends: the nth receive from a rank takes its nth send.
  case receive(Range<Int>, from: Int, Arrival)
  /// Reads the range straight out of another rank's block of shared memory.
  case load(Range<Int>, from: Int, Arrival)
  /// Waits until every rank of the node has come here; makes earlier writes visible. Stands alone
  /// in its round.
  case fence
  /// The messaging library's own all-reduce of the range, by all ranks; at most one in a round.
  /// Libraries match these calls by order, so where several schedules are in flight it belongs
  /// into the first round.
  case library(Range<Int>)
}

/// What one rank does, round by round. The transfers of a round may run at the same time: sends
/// read what the round began with; arrivals are added in the order in which they are listed, so
/// that equal schedules give equal bits. A round ends when all its transfers have. Ranks need not
/// have equally many rounds: messages and fences alone tie them to each other.
public struct Schedule: Sendable, Equatable {
  /// Rounds, each a list of transfers.
  public var rounds: [[Transfer]]

  /// A schedule of the given rounds.
  public init(_ rounds: [[Transfer]] = []) { self.rounds = rounds }

  /// Messages that this rank sends.
  public var messageCount: Int {
    rounds.joined().reduce(0) { if case .send = $1 { $0 + 1 } else { $0 } }
  }

  /// Elements that this rank sends.
  public var elementsSent: Int {
    rounds.joined().reduce(0) { if case .send(let range, _) = $1 { $0 + range.count } else { $0 } }
  }
}

extension Transfer {
  /// The elements it concerns; nil for a fence.
  public var range: Range<Int>? {
    switch self {
    case .send(let range, _), .receive(let range, _, _), .load(let range, _, _),
      .library(let range):
      range
    case .fence: nil
    }
  }
}

extension Schedule {
  /// The same without transfers of nothing and rounds without transfers, which short vectors give.
  public func withoutEmptyTransfers() -> Schedule {
    Schedule(
      rounds.map { $0.filter { $0.range?.isEmpty != true } }.filter { !$0.isEmpty })
  }
}

/// An all-reduce as a pure function. Stateless; `name` is what the command line calls it.
public protocol AllReduceAlgorithm: Sendable {
  /// Name in the catalogue.
  static var name: String { get }
  /// What `rank` of `ranks` does so that afterwards all hold the element-wise sum of `count`
  /// elements. All ranks must be asked with the same `ranks` and `count`.
  func schedule(rank: Int, ranks: Int, count: Int) -> Schedule
}
