// One block of the attention matrix: a vector of queries against some keys, (key, lane). What causal
// attention hides is left out by whole tiles; near the diagonal, half a vector at a time.

import CSIMD
import KernelABI

/// Queries and keys of a block, which takes half of the first-level cache.
var attentionRows: Int { 64 }
/// Rows of a tile: 64 and 32 are multiples, and little of a tile lies beyond the diagonal.
var attentionTile: Int { min(tileRows, 8) }

extension AttentionShape {
  /// Floats of qkv from one token to the next.
  @inline(__always) var tokenStep: Int { 3 &* width }
  /// Floats of a head's packed matrix of `rows` rows.
  @inline(__always)
  func packed(_ rows: Int) -> Int { panels(headWidth) &* rows &* wide }
  /// Where a head starts (heads are counted over all samples), `step` floats from token to token.
  @inline(__always)
  func start(_ head: Int, _ step: Int) -> Int {
    head / heads &* length &* step &+ head % heads &* headWidth
  }
  /// The block of the vector of queries from `query` on and keys from `key` on.
  @inline(__always)
  func block(query: Int, key: Int) -> AttentionBlock {
    AttentionBlock(
      queries: min(wide, length &- query), keys: min(attentionRows, length &- key),
      distance: causal ? query &- key : length)
  }
}

/// A vector of queries, and a block of keys.
struct AttentionBlock {
  /// How many there are: at most `wide` queries.
  let queries, keys: Int
  /// The first query less the first key; nothing is hidden where it is as large as `keys`.
  let distance: Int

  /// Keys, from the first on, that all lanes see.
  @inline(__always) var common: Int { min(keys, distance &+ 1) }
  /// Keys, from the first on, that any lane of the lower register sees.
  @inline(__always) var low: Int { min(keys, distance &+ half) }
  /// Keys, from the first on, that any query sees.
  @inline(__always) var seen: Int { queries > half ? min(keys, distance &+ wide) : low }

  /// to[key][lane] = a[key] . b[lane], for keys that any lane of a register sees.
  ///
  /// - Parameters:
  ///   - a: the block's keys, (key, feature), panels `aPanel` floats apart.
  ///   - b: the queries, (feature, lane).
  func multiply(
    features: Int, _ a: FloatsIn, aPanel: Int, _ b: FloatsIn, _ to: FloatsOut,
    _ next: inout NextHead
  ) {
    let groups = Partition(keys, largest: attentionTile)
    let lanes = queries > half ? wide : half
    var (first, lane) = (0, 0)
    while lane < lanes {
      var last = first
      let end = lane == 0 ? low : seen
      while last < groups.parts && groups.start(last) < end { last &+= 1 }
      var task = PanelTask(
        count: features, a: a, aPanel: aPanel, b: b + lane, c: to + lane, add: false)
      next.serve(&task, groups.start(last) &- groups.start(first))
      runPanels(groups, first, last, columns: lanes &- lane, &task)
      (first, lane) = (last, lane &+ half)
    }
  }

  /// Zeros in the lower register from row `low` on, where only the upper one sees keys, and behind
  /// the last key that is seen: a tile may start before it.
  @inline(__always)
  func clearHidden(_ rows: FloatsOut) {
    for key in low..<seen { Half().store(rows + key &* wide) }
    for key in seen..<min(keys, seen &+ tileRows) { Wide().store(rows + key &* wide) }
  }
}

/// What hides keys from lanes: their score becomes minus infinity, whatever it was.
struct CausalMask {
  private let isSeen: FloatsIn

  /// Floats of memory.
  static var count: Int { 2 * wide }

  /// Writes zeros, then ones.
  init(_ memory: FloatsOut) {
    memory.wide = Wide()
    (memory + wide).wide = Wide(repeating: 1)
    isSeen = FloatsIn(memory)
  }

  /// Hides a key from the first `lanes` (0...wide).
  @inline(__always)
  func hide(_ scores: Wide, from lanes: Int) -> Wide {
    let seen = csimd_greater((isSeen + (wide &- lanes)).wide, Wide())
    return csimd_select(seen, scores, Wide(repeating: -.infinity))
  }

  /// Hides a key from the first `lanes` (0...wide).
  @inline(__always)
  func hide(_ scores: Half, from lanes: Int) -> Half {
    let seen = csimd_greater((isSeen + (wide &- lanes)).half, Half())
    return csimd_select(seen, scores, Half(repeating: -.infinity))
  }
}

/// What the next head will read and write. Its tokens lie far apart in memory, where the processor
/// would not look for them by itself; the tiles of one head ask for those of the next.
struct NextHead {
  private typealias Matrix = (start: FloatsIn, step: Int)
  private let shape: AttentionShape
  private var pairs: InlineArray<4, (Matrix, Matrix)>
  private var count = 0
  /// Where the next tile goes on: pair, part of its rows' features, row.
  private var pair = 0
  private var part = 0
  private var row = 0

  /// Nothing, so far.
  init(_ shape: AttentionShape, _ start: FloatsIn) {
    self.shape = shape
    pairs = InlineArray(repeating: ((start, 0), (start, 0)))
  }

  /// Adds two matrices of `length` rows; at most four times.
  mutating func add(
    _ first: FloatsIn, step firstStep: Int, _ second: FloatsIn, step secondStep: Int
  ) {
    pairs[count] = ((first, firstStep), (second, secondStep))
    count &+= 1
  }

  /// Gives `rows` rows of tiles their share.
  @inline(__always)
  mutating func serve(_ task: inout PanelTask, _ rows: Int) {
    guard pair < count else { return }
    let (first, second) = pairs[unchecked: pair]
    let share = min(task.turns(rows), shape.length &- row)
    task.ahead = LinesAhead(
      first: first.start + (row &* first.step &+ part &* LinesAhead.width),
      second: second.start + (row &* second.step &+ part &* LinesAhead.width),
      firstStep: first.step,
      secondStep: second.step, rows: share)
    row &+= share
    guard row == shape.length else { return }
    row = 0
    part &+= 1
    guard part &* LinesAhead.width >= shape.headWidth else { return }
    part = 0
    pair &+= 1
  }
}
