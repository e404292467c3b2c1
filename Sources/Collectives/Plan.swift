// A schedule made ready to run: transfers sorted by kind, and, decided once, where arriving values
// go and how early a receive may be posted.

/// The flat form of a schedule that `ScheduleRunner` executes.
struct Plan {
  struct Send {
    let range: Range<Int>
    let peer: Int
    /// Where in the staging memory encoded values wait; nil: they are sent from their place.
    var staging: Int?
  }

  /// A receive or a load.
  struct Incoming {
    let range: Range<Int>
    let peer: Int
    let arrival: Arrival
    let isLoad: Bool
    /// Where in the staging memory values arrive; nil: in their final place.
    let staging: Int?
    /// The place is still being read by a send of the round.
    let afterSends: Bool
  }

  /// A sum over blocks of shared memory.
  struct Sum {
    let range: Range<Int>
    let over: [Int]
    let into: [Int]
  }

  struct Round {
    var sends: Range<Int>
    var incoming: Range<Int>
    var libraries: Range<Int>
    var sums: Range<Int>
    var additions: Range<Int>
    var fence = false
    /// A blocking library call: only `finish` begins the round.
    var waitsForFinish = false
    /// The receives may be posted while the round before is under way, so that its messages find
    /// their place the moment they are sent.
    var early = false
  }

  private(set) var rounds: [Round] = []
  private(set) var sends: [Send] = []
  private(set) var incoming: [Incoming] = []
  private(set) var libraries: [(range: Range<Int>, blocking: Bool)] = []
  private(set) var sums: [Sum] = []
  private(set) var additions: [(range: Range<Int>, to: Int)] = []
  /// Elements of staging memory, in the wire format.
  private(set) var stagingCount = 0
  /// Shortest vector that the schedule fits.
  private(set) var count = 0
  private(set) var hasLoads = false
  private(set) var hasFences = false

  private let wire: WireFormat

  init(_ schedule: Schedule, wire: WireFormat = .float32) {
    self.wire = wire
    // Rounds take turns with two halves of the staging memory, because receives are posted early.
    let needs = schedule.rounds.map(stagingNeed)
    let odd = stride(from: 1, to: needs.count, by: 2).map { needs[$0] }.max() ?? 0
    let even = stride(from: 0, to: needs.count, by: 2).map { needs[$0] }.max() ?? 0
    stagingCount = even + odd
    for (number, round) in schedule.rounds.enumerated() {
      append(round, staging: number % 2 == 0 ? 0 : even)
      if number > 0 { rounds[number].early = isEarly(round, after: schedule.rounds[number - 1]) }
    }
    if wire != .float32 { stageSends() }
  }

  /// Gives encoded values their place behind those that arrive. A round's sends are over when the
  /// next begins, so that all rounds share the place.
  private mutating func stageSends() {
    let start = stagingCount
    for round in rounds {
      var staging = start
      for index in round.sends {
        sends[index].staging = staging
        staging += padded(sends[index].range)
      }
      stagingCount = max(stagingCount, staging)
    }
  }

  private mutating func append(_ round: [Transfer], staging base: Int) {
    var staging = base
    var result = Round(
      sends: sends.count..<sends.count, incoming: incoming.count..<incoming.count,
      libraries: libraries.count..<libraries.count, sums: sums.count..<sums.count,
      additions: additions.count..<additions.count)
    for (place, transfer) in round.enumerated() {
      count = max(count, transfer.range?.upperBound ?? 0)
      switch transfer {
      case .send(let range, let peer): sends.append(Send(range: range, peer: peer))
      case .receive(let range, let peer, let arrival):
        let direct = isDirect(place, in: round)
        append(range, peer, arrival, isLoad: false, direct ? nil : staging, in: round)
        if !direct { staging += padded(range) }
      case .load(let range, let peer, let arrival):
        hasLoads = true
        append(range, peer, arrival, isLoad: true, nil, in: round)
      case .sum(let range, let over, let into):
        hasLoads = true
        sums.append(Sum(range: range, over: over, into: into))
      case .add(let range, let to):
        count = max(count, to + range.count)
        additions.append((range, to))
      case .library(let range, let blocking):
        libraries.append((range, blocking))
        result.waitsForFinish = result.waitsForFinish || blocking
      case .fence:
        precondition(round.count == 1, "a fence stands alone in its round")
        hasFences = true
        result.fence = true
      }
    }
    result.sends = result.sends.lowerBound..<sends.count
    result.incoming = result.incoming.lowerBound..<incoming.count
    result.libraries = result.libraries.lowerBound..<libraries.count
    result.sums = result.sums.lowerBound..<sums.count
    result.additions = result.additions.lowerBound..<additions.count
    rounds.append(result)
  }

  private mutating func append(
    _ range: Range<Int>, _ peer: Int, _ arrival: Arrival, isLoad: Bool, _ staging: Int?,
    in round: [Transfer]
  ) {
    let sent =
      wire == .float32
      && round.contains {
        if case .send(let other, _) = $0 { other.overlaps(range) } else { false }
      }
    incoming.append(
      Incoming(
        range: range, peer: peer, arrival: arrival, isLoad: isLoad, staging: staging,
        afterSends: sent))
  }

  /// Whether the values may be received into their place: they arrive as they are, they overwrite,
  /// and nothing else of the round touches it.
  private func isDirect(_ place: Int, in round: [Transfer]) -> Bool {
    guard wire == .float32, case .receive(let range, _, .copy) = round[place] else { return false }
    return round.indices.allSatisfy { $0 == place || round[$0].range?.overlaps(range) != true }
  }

  private func stagingNeed(_ round: [Transfer]) -> Int {
    round.indices.reduce(0) { sum, place in
      guard case .receive(let range, _, _) = round[place], !isDirect(place, in: round) else {
        return sum
      }
      return sum + padded(range)
    }
  }

  /// Whole cache lines.
  private func padded(_ range: Range<Int>) -> Int {
    let line = 64 / wire.bytesPerElement
    return (range.count + line - 1) / line * line
  }

  /// Whether what the round receives directly is nothing that the round before touches.
  private func isEarly(_ round: [Transfer], after before: [Transfer]) -> Bool {
    round.indices.allSatisfy { place in
      guard isDirect(place, in: round), let range = round[place].range else { return true }
      return before.allSatisfy { transfer in
        if case .add(let added, let to) = transfer {
          return !added.overlaps(range) && !(to..<to + added.count).overlaps(range)
        }
        return transfer.range.map { !$0.overlaps(range) } ?? false
      }
    }
  }
}
