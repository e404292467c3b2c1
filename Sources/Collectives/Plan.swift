// A schedule made ready to run: transfers sorted by kind, and, decided once, where arriving values
// go and how early a message may start.

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
    /// Incoming (its loads aside) whose receives are posted, and sends that are started, when the
    /// round begins: its own that are not yet, and those of later rounds that may. See `LookAhead`.
    var posts = 0..<0
    var starts = 0..<0
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

  /// What is rounded at the end.
  private(set) var finalRounding = FinalRounding.ranges([])

  private let wire: WireFormat
  private let longest: Int
  /// Most messages of a transfer; longer transfers have longer messages.
  private static let mostMessages = 1024

  /// - Parameter longest: bytes of a message.
  init(_ schedule: Schedule, wire: WireFormat = .float32, longest: Int = messageBytes) {
    (self.wire, self.longest) = (wire, longest)
    let width = wire.bytesPerElement
    // Two slots at least, because the next round's receives are posted early whatever their length.
    let arriving = StagingSlots(
      schedule.rounds.map(stagingNeed), atLeast: 2, bytesPerElement: width)
    for (number, round) in schedule.rounds.enumerated() {
      append(round, staging: arriving.start(number))
    }
    let encoded = wire == .float32 ? [] : schedule.rounds.map(encodedNeed)
    let leaving = StagingSlots(
      encoded, from: arriving.end, atLeast: 1, bytesPerElement: width)
    stagingCount = leaving.end
    if !leaving.isEmpty { stageSends(leaving) }
    if wire != .float32 { finalRounding = FinalRounding(after: schedule) }
    let ahead = LookAhead(
      schedule, wire: wire, arriving: arriving, leaving: leaving, isDirect: isDirect)
    var (posted, started) = (0, 0)
    for number in rounds.indices {
      let (firstPost, firstStart) = (posted, started)
      while posted < rounds.count, ahead.posting[posted] <= number { posted += 1 }
      while started < rounds.count, ahead.starting[started] <= number { started += 1 }
      rounds[number].posts = Plan.span(rounds[firstPost..<posted].map(\.incoming))
      rounds[number].starts = Plan.span(rounds[firstStart..<started].map(\.sends))
    }
  }

  /// From the first of consecutive ranges to the last.
  private static func span(_ ranges: [Range<Int>]) -> Range<Int> {
    (ranges.first?.lowerBound ?? 0)..<(ranges.last?.upperBound ?? 0)
  }

  /// Gives encoded values their places.
  private mutating func stageSends(_ slots: StagingSlots) {
    for (number, round) in rounds.enumerated() {
      var staging = slots.start(number)
      for index in round.sends {
        sends[index].staging = staging
        staging += padded(sends[index].range)
      }
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
      case .send(let range, let peer):
        for piece in messages(range) { sends.append(Send(range: piece, peer: peer)) }
      case .receive(let range, let peer, let arrival):
        let direct = isDirect(place, in: round)
        for piece in messages(range) {
          append(piece, peer, arrival, isLoad: false, direct ? nil : staging, in: round)
          if !direct { staging += padded(piece) }
        }
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
      return sum + room(range)
    }
  }

  private func encodedNeed(_ round: [Transfer]) -> Int {
    round.reduce(0) { if case .send(let range, _) = $1 { $0 + room(range) } else { $0 } }
  }

  /// The messages in which a range travels; the same on both sides.
  private func messages(_ range: Range<Int>) -> [Range<Int>] {
    let most = max(1, longest / wire.bytesPerElement)
    guard range.count > most else { return [range] }
    let count = min(Plan.mostMessages, (range.count - 1) / most + 1)
    return (0..<count).map { segment($0, of: count, in: range) }
  }

  /// Staging memory of a range: whole cache lines for each message.
  private func room(_ range: Range<Int>) -> Int {
    messages(range).reduce(0) { $0 + padded($1) }
  }

  private func padded(_ range: Range<Int>) -> Int {
    let line = 64 / wire.bytesPerElement
    return (range.count + line - 1) / line * line
  }
}
