// Products of small matrices that stay in the caches, as attention and recurrent layers are made of.
// A matrix lies in panels of `wide` columns, [panel][row][lane], zeros beyond the last column. In
// this one layout it can be any operand of the register tile, at constant steps and without another
// copy: B, whose lanes are columns; A, whose rows are `wide` floats apart; and A transposed, whose
// rows lie side by side.

import CSIMD
import KernelABI

/// Panels of a matrix with `columns` columns.
@inline(__always)
func panels(_ columns: Int) -> Int { (columns &+ wide &- 1) / wide }

/// Columns of panel `panel` that count.
@inline(__always)
func panelColumns(_ columns: Int, _ panel: Int) -> Int { min(wide, columns &- panel &* wide) }

/// Tiles of one panel of a product, one below the other: c[i, lane] (+)= sum over p of
/// a[i, p] b[p, lane].
struct PanelTask: TileTask {
  /// Products: p in 0..<count.
  let count: Int
  /// A is zero from p = upperEdge + i + 1 on in row i.
  var upperEdge = 1 << 40
  /// A is zero up to p = lowerEdge + i in row i.
  var lowerEdge = -1 << 40
  /// A's first row, and floats from one panel to the next; transposed: element [p][i] of one panel,
  /// at p = 0.
  var a: FloatsIn
  let aPanel: Int
  let transposed: Bool
  /// Row 0 of panels of B and C, or of the half of their lanes that is wanted.
  var b: FloatsIn
  var c: FloatsOut
  /// Add to C.
  let add: Bool
  /// What to ask for on the way.
  var ahead: LinesAhead
  /// Rows that are computed now.
  fileprivate var first = 0
  fileprivate var end = 0

  @inline(__always)
  mutating func run<let R: Int, V: Vector>(_ tile: Tile<R, V>.Type) {
    tile.multiplyPanels(&self, first, end)
  }

  /// A by rows.
  @inline(__always)
  init(count: Int, a: FloatsIn, aPanel: Int, b: FloatsIn, c: FloatsOut, add: Bool) {
    (self.count, self.a, self.aPanel, self.b, self.c, self.add) = (count, a, aPanel, b, c, add)
    transposed = false
    ahead = LinesAhead(first: b, second: b, firstStep: 0, secondStep: 0, rows: 0)
  }

  /// A transposed.
  @inline(__always)
  init(count: Int, transposed a: FloatsIn, b: FloatsIn, c: FloatsOut, add: Bool) {
    (self.count, self.a, aPanel, self.b, self.c, self.add) = (count, a, 0, b, c, add)
    transposed = true
    ahead = LinesAhead(first: b, second: b, firstStep: 0, secondStep: 0, rows: 0)
  }

  /// The products that rows row..<row + rows need.
  @inline(__always)
  fileprivate func products(_ row: Int, _ rows: Int) -> (start: Int, end: Int) {
    (max(0, lowerEdge &+ row), min(count, upperEdge &+ row &+ rows))
  }

  /// Turns of the tiles' loops over `rows` rows.
  @inline(__always)
  func turns(_ rows: Int) -> Int {
    let (start, end) = products(rows / 2, 0)
    return (rows &+ tileRows &- 1) / tileRows &* ((end &- start) / 4)
  }
}

/// Rows of two matrices that will be needed later: in each turn of its loop, a tile asks for one row's
/// share of a panel.
struct LinesAhead {
  var first, second: FloatsIn
  var firstStep, secondStep: Int
  /// Rows that are left.
  var rows: Int

  /// Floats of a row that are asked for: a panel's, in whole lines.
  @inline(__always) static var width: Int { max(wide, 16) }

  @inline(__always)
  fileprivate mutating func ask() {
    csimd_prefetch_far(first)
    csimd_prefetch_far(second)
    if Self.width == 32 {
      csimd_prefetch_far(first + 16)
      csimd_prefetch_far(second + 16)
    }
    rows &-= 1
    guard rows > 0 else { return }
    first += firstStep
    second += secondStep
  }
}

extension Tile {
  /// Some tiles of R rows.
  @inline(never)
  fileprivate static func multiplyPanels(_ t: inout PanelTask, _ first: Int, _ endRow: Int) {
    var row = first
    repeat {
      var sums = zero()
      let (start, end) = t.products(row, R)
      if t.transposed {
        let skipped = start &* wide
        multiplyPanel(
          &sums, end &- start, &t.ahead, t.a + (skipped &+ row), 1, wide, t.b + skipped)
      } else {
        var p = start
        while p < end {
          let lane = p % wide
          let count = min(end &- p, wide &- lane)
          let a = t.a + (p / wide &* t.aPanel &+ row &* wide &+ lane)
          multiplyPanel(&sums, count, &t.ahead, a, wide, 1, t.b + p &* wide)
          p &+= count
        }
      }
      let c = t.c + row &* wide
      if t.add {
        for i in 0..<R {
          sums[unchecked: i] = V.add(V.load(FloatsIn(c + i &* wide)), sums[unchecked: i])
        }
      }
      for i in 0..<R { sums[unchecked: i].store(c + i &* wide) }
      row &+= R
    } while row < endRow
  }

  /// sums[i] += a[i row + p column] b[p], for p in 0..<count. A turn reads 4 R floats of A; where rows
  /// are apart, it asks for as many of the rows behind, R / 4 lines, for the next tile.
  @inline(__always)
  private static func multiplyPanel(
    _ sums: inout Sums, _ count: Int, _ ahead: inout LinesAhead, _ a: FloatsIn, _ row: Int,
    _ column: Int, _ b: FloatsIn
  ) {
    var (a, b, rest) = (a, b, count)
    var next = a + R &* wide
    while rest >= 4 {
      ahead.ask()
      if row == wide {
        for line in 0..<(R + 3) / 4 { csimd_prefetch(next + line &* 16) }
        next += 4 &* R
      }
      step(&sums, a, b, rowStep: row)
      step(&sums, a + column, b + wide, rowStep: row)
      step(&sums, a + 2 &* column, b + 2 &* wide, rowStep: row)
      step(&sums, a + 3 &* column, b + 3 &* wide, rowStep: row)
      a += 4 &* column
      b += 4 &* wide
      rest &-= 4
    }
    while rest > 0 {
      step(&sums, a, b, rowStep: row)
      a += column
      b += wide
      rest &-= 1
    }
  }
}

/// Runs a task for the groups first..<end (all, if nothing else is said) of rows of A, and as many
/// registers as `columns` lanes need.
func runPanels(
  _ groups: Partition, _ first: Int = 0, _ end: Int? = nil, columns: Int, _ task: inout PanelTask
) {
  var group = first
  let end = end ?? groups.parts
  while group < end {
    let row = groups.start(group)
    let rows = groups.start(group &+ 1) &- row
    // Larger groups come first.
    let next = group < groups.larger ? min(end, groups.larger) : end
    (task.first, task.end) = (row, groups.start(next))
    task.run(rows, lanes: columns > half ? wide : half)
    group = next
  }
}
