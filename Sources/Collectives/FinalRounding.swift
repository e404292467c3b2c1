// The last step of a schedule with a 16-bit wire format. Sums that a rank has added up and not sent
// are not rounded yet, while other ranks may have got the same sums by message, rounded: in
// recursive doubling, for example, those beyond the largest power of two. So every rank ends by
// rounding what it has not sent since it last added to it. Cost: nothing for rings and trees, 8
// bytes of traffic per element else.

/// What a rank must still round once its schedule is through.
enum FinalRounding: Equatable {
  /// These ranges: their last values come out of additions.
  case ranges([Range<Int>])
  /// All of it: other ranks of the node may have written into it.
  case everything

  init(after schedule: Schedule) {
    var sums = RangeSet<Int>()
    for round in schedule.rounds {
      for case .send(let range, _) in round { sums.remove(contentsOf: range) }
      for transfer in round {
        switch transfer {
        case .fence, .load, .sum:
          self = .everything
          return
        case .receive(let range, _, .add): sums.insert(contentsOf: range)
        case .add(let range, let to): sums.insert(contentsOf: to..<to + range.count)
        case .receive(let range, _, .copy), .library(let range, _): sums.remove(contentsOf: range)
        case .send: break
        }
      }
    }
    self = .ranges(Array(sums.ranges))
  }
}
