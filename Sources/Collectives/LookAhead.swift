// How early messages start. A round's receives are posted, and its sends started, while earlier
// rounds are still under way, if they need nothing of what happens in those: then the next messages
// are on their way while this one is added, and a link never waits for a processor. What a schedule
// computes stays the same; a segmented ring, though, keeps a whole block of segments in flight
// instead of one.
//
// Cost: each round is compared with the few before it, once; nothing while running.

/// For each round of a schedule, the round at whose beginning its messages may start.
struct LookAhead {
  /// Most rounds that messages start ahead, and most bytes that are in flight because of that: what
  /// a fast network moves while a busy processor attends to something else, and no more than
  /// libraries can buffer.
  static let rounds = 64
  static let bytes = 4 << 20

  /// When the receives of each round are posted; ascending.
  private(set) var posting: [Int] = []
  /// When the sends of each round start; ascending.
  private(set) var starting: [Int] = []

  /// - Parameters:
  ///   - arriving, leaving: the staging memory of what arrives and of what is sent encoded.
  ///   - isDirect: whether the transfer at a place of a round is received into its final place.
  init(
    _ schedule: Schedule, wire: WireFormat, arriving: StagingSlots, leaving: StagingSlots,
    isDirect: (_ place: Int, _ round: [Transfer]) -> Bool
  ) {
    let rounds = schedule.rounds
    let sent = rounds.map { round in
      round.reduce(0) { if case .send(let range, _) = $1 { $0 + range.count } else { $0 } }
    }
    let depth = LookAhead.depth((sent.max() ?? 0) * wire.bytesPerElement)
    var (post, start) = (0, 0)
    for (number, round) in rounds.enumerated() {
      var received: [Range<Int>] = []
      var read: [Range<Int>] = []
      var isStaged = false
      for (place, transfer) in round.enumerated() {
        switch transfer {
        case .receive(let range, _, _):
          if isDirect(place, round) { received.append(range) } else { isStaged = true }
        case .send(let range, _): read.append(range)
        default: break
        }
      }
      post = max(post, number - (isStaged ? arriving.count - 1 : LookAhead.rounds))
      post = LookAhead.earliest(post, number, rounds) { transfer in
        received.contains { transfer.touches($0) }
      }
      posting.append(post)
      start = max(start, number - min(depth, leaving.isEmpty ? depth : leaving.count - 1))
      start = LookAhead.earliest(start, number, rounds) { transfer in
        if case .send = transfer { return false }
        return read.contains { transfer.touches($0) }
      }
      starting.append(start)
    }
  }

  /// Rounds of messages of so many bytes that may be ahead.
  static func depth(_ bytes: Int) -> Int { min(rounds, self.bytes / max(1, bytes)) }

  /// The first round not before `first` from which on no round before `number` is in the way.
  private static func earliest(
    _ first: Int, _ number: Int, _ rounds: [[Transfer]], isInTheWay: (Transfer) -> Bool
  ) -> Int {
    var round = number
    while round > first, !rounds[round - 1].contains(where: isInTheWay) { round -= 1 }
    return round
  }
}

extension Transfer {
  /// Whether it reads or writes any of these elements; a fence may make others do so.
  fileprivate func touches(_ other: Range<Int>) -> Bool {
    if case .add(let source, let to) = self, (to..<to + source.count).overlaps(other) {
      return true
    }
    return range?.overlaps(other) ?? true
  }
}

/// Staging memory whose parts rounds use in turn, so that a round's part is free until it comes.
struct StagingSlots {
  private var starts: [Int]
  /// Where the next thing may lie.
  let end: Int

  /// - Parameters:
  ///   - needs: elements that each round wants.
  ///   - least: slots that there are even if they are long.
  ///   - bytesPerElement: of the wire format.
  init(_ needs: [Int], from start: Int = 0, atLeast least: Int, bytesPerElement: Int) {
    let longest = needs.max() ?? 0
    guard longest > 0 else {
      (starts, end) = ([], start)
      return
    }
    let count = min(needs.count, max(least, 1 + LookAhead.depth(longest * bytesPerElement)))
    var lengths = [Int](repeating: 0, count: count)
    for (round, need) in needs.enumerated() {
      lengths[round % count] = max(lengths[round % count], need)
    }
    var place = start
    starts = lengths.map { length in
      defer { place += length }
      return place
    }
    end = place
  }

  /// Number of slots: round n + count uses the part of round n.
  var count: Int { starts.count }
  /// Whether no round wants any.
  var isEmpty: Bool { starts.isEmpty }

  /// Where the part of a round begins.
  func start(_ round: Int) -> Int { isEmpty ? end : starts[round % count] }
}
