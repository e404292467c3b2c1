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
  /// Sums the range over ranks of the node in the order listed, straight out of their blocks of
  /// shared memory, and stores the sum in the blocks of ranks of the node.
  case sum(Range<Int>, over: [Int], into: [Int])
  /// Adds this rank's own values of the range to its values from element `to` on.
  case add(Range<Int>, to: Int)
  /// Waits until every rank of the node has come here; makes earlier writes visible. Stands alone
  /// in its round.
  case fence
  /// The messaging library's own all-reduce of the range, by all ranks; at most one in a round.
  /// Libraries match these calls by order. A call that is not blocking starts when its round
  /// begins, so where several schedules are in flight it belongs into the first round. A blocking
  /// call waits for its turn: only `ScheduleRunner.finish` (or `run`) executes it, and all ranks
  /// finish their runners in the same order.
  case library(Range<Int>, blocking: Bool)
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

  /// Whether there is a call that only `ScheduleRunner.finish` executes: advancing alone never
  /// completes such a schedule.
  public var waitsForFinish: Bool {
    rounds.joined().contains { if case .library(_, blocking: true) = $0 { true } else { false } }
  }
}

extension Transfer {
  /// The elements it concerns (of `.add`: the source); nil for a fence.
  public var range: Range<Int>? {
    switch self {
    case .send(let range, _), .receive(let range, _, _), .load(let range, _, _),
      .sum(let range, _, _), .add(let range, _), .library(let range, _):
      range
    case .fence: nil
    }
  }

  /// The same for a part of a larger vector and a subset of the ranks.
  ///
  /// - Parameters:
  ///   - offset: where the part begins.
  ///   - rank: the number of each rank of the subset among all.
  func placed(at offset: Int, rank: (Int) -> Int) -> Transfer {
    func moved(_ range: Range<Int>) -> Range<Int> {
      range.lowerBound + offset..<range.upperBound + offset
    }
    return switch self {
    case .send(let range, let to): .send(moved(range), to: rank(to))
    case .receive(let range, let from, let arrival):
      .receive(moved(range), from: rank(from), arrival)
    case .load(let range, let from, let arrival): .load(moved(range), from: rank(from), arrival)
    case .sum(let range, let over, let into):
      .sum(moved(range), over: over.map(rank), into: into.map(rank))
    case .add(let range, let to): .add(moved(range), to: to + offset)
    case .library(let range, let blocking): .library(moved(range), blocking: blocking)
    case .fence: .fence
    }
  }
}

extension Schedule {
  /// The same without transfers of nothing and rounds without transfers, which short vectors give.
  public func withoutEmptyTransfers() -> Schedule {
    func isEmpty(_ transfer: Transfer) -> Bool { transfer.range?.isEmpty == true }
    guard rounds.contains(where: { $0.isEmpty || $0.contains(where: isEmpty) }) else { return self }
    return Schedule(rounds.map { $0.filter { !isEmpty($0) } }.filter { !$0.isEmpty })
  }

  /// The same for a part of a larger vector and a subset of the ranks, whose numbers among all
  /// are `ranks`.
  public func placed(at offset: Int, ranks: [Int]) -> Schedule {
    Schedule(rounds.map { $0.map { $0.placed(at: offset) { ranks[$0] } } })
  }

  /// One after the other.
  public static func + (first: Schedule, second: Schedule) -> Schedule {
    Schedule(first.rounds + second.rounds)
  }
}
