// Any number of ranks as a power of two: groups of one or two consecutive ranks, pairs and single
// ranks spread evenly. Algorithms that halve and double run among the groups' first ranks.

/// Ranks in groups, of which there is a power of two.
struct Folding {
  let ranks: Int
  /// The largest power of two that is not above the number of ranks.
  let groups: Int

  init(ranks: Int) {
    self.ranks = ranks
    groups = 1 << (Int.bitWidth - 1 - ranks.leadingZeroBitCount)
  }

  /// The first rank of a group, which acts for it; for `groups`: the number of ranks.
  func leader(of group: Int) -> Int { group * ranks / groups }

  /// The other rank of a group, if it has two.
  func second(of group: Int) -> Int? {
    leader(of: group + 1) - leader(of: group) == 2 ? leader(of: group) + 1 : nil
  }

  /// The group of a rank.
  func group(of rank: Int) -> Int { ((rank + 1) * groups - 1) / ranks }
}
