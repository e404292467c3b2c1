// Winograd's transforms between memory and memory: pixels, dy and weights on one side, on the other
// the matrices that the register tile multiplies. Lanes are channels. A transform of F(4, 3) and one
// vector of channels takes about as long as its 36 loads or stores take in the second-level cache.

import CSIMD
import KernelABI

/// Rows `First`..<`First` + `Count` of transformed tiles, as far as they exist.
enum TileRows<T: WinogradTransform, let First: Int, let Count: Int> {
  @inline(__always) private static var end: Int { min(First &+ Count, T.extent) }

  /// The numbers xi of the products in these rows.
  @inline(__always) static var products: Range<Int> { First * T.extent..<end * T.extent }

  /// V of `tiles` tiles from `first` on. For all rows of F(4, 3), about 150 vector operations and 36
  /// stores per tile and vector of channels.
  @inline(never)
  static func transformInput(
    _ grid: TileGrid, _ source: TileSource, _ first: Int, _ tiles: Int, _ layout: TileLayout,
    _ v: FloatsOut, room: FloatsOut
  ) {
    var place = grid.place(first)
    for tile in 0..<tiles {
      let patch = source.patch(place, T.outputs, T.extent)
      var (c, group) = (0, 0)
      while c < source.count {
        var to = v + (layout.offset(group) &+ tile &* groupLanes)
        for _ in 0..<groupLanes / half {
          T.both(.input, T.extent, First, end, room: room) { j in
            patch.column(j, c, T.extent)
          } row: { i, line in
            store(line, to, i, layout.productStep)
          }
          c &+= half
          to += half
        }
        group &+= 1
      }
      grid.advance(&place)
    }
  }

  /// Z of `tiles` tiles of dy from `first` on; adds dy to `totals`, where wanted.
  @inline(never)
  static func transformGradient(
    _ grid: TileGrid, _ source: TileSource, _ first: Int, _ tiles: Int, _ layout: TileLayout,
    _ z: FloatsOut, totals: FloatsOut?, room: FloatsOut
  ) {
    var place = grid.place(first)
    for tile in 0..<tiles {
      let patch = source.patch(place, T.outputs, T.outputs)
      var c = 0
      while c < source.count {
        let block = c / wide
        let lanes = blockLanes(block &* wide, source.count)
        let to = z + (layout.offset(block) &+ tile &* lanes &+ c &- block &* wide)
        T.both(.gradient, T.outputs, First, end, room: room) { j in
          patch.column(j, c, T.outputs)
        } row: { i, line in
          store(line, to, i, layout.productStep)
        }
        if let totals {
          var sum = FloatsIn(totals + c).half
          for j in patch.firstColumn..<patch.endColumn {
            let line = patch.column(j, c, T.outputs)
            for i in 0..<T.outputs { sum = csimd_add(sum, line[unchecked: i]) }
          }
          sum.store(totals + c)
        }
        c &+= half
      }
      grid.advance(&place)
    }
  }

  /// Row `i` of a transformed tile goes to the matrices of its products.
  @inline(__always)
  private static func store(_ line: TileLine, _ to: FloatsOut, _ i: Int, _ step: Int) {
    let to = to + (i &- First) &* T.extent &* step
    for j in 0..<T.extent { line[unchecked: j].store(to + j &* step) }
  }
}

extension WinogradTransform {
  /// Pixels from the products M of one block of `lanes` channels.
  @inline(never)
  static func transformOutput(
    _ grid: TileGrid, _ first: Int, _ tiles: Int, _ m: FloatsIn, _ productStep: Int, _ lanes: Int,
    _ target: TileTarget, room: FloatsOut
  ) {
    let least = Half(repeating: target.floor)
    var place = grid.place(first)
    for tile in 0..<tiles {
      let (row, column) = (place.row &* outputs, place.column &* outputs)
      let (rows, columns) = (grid.height &- row, grid.width &- column)
      let pixel = (place.image &* grid.height &+ row) &* grid.width &+ column
      var lane = 0
      while lane < lanes {
        let from = m + (tile &* lanes &+ lane)
        let to = target.start + (pixel &* target.channels &+ lane)
        let bias = target.bias.map { ($0 + lane).half } ?? Half()
        both(.output, extent, 0, outputs, room: room) { j in
          let from = from + j &* productStep
          return tileLine(extent) { i in (from + i &* extent &* productStep).half }
        } row: { i, line in
          guard i < rows else { return }
          let to = to + i &* grid.width &* target.channels
          for j in 0..<outputs where j < columns {
            let to = to + j &* target.channels
            var value = csimd_max(least, csimd_add(line[unchecked: j], bias))
            if target.add { value = csimd_add(value, FloatsIn(to).half) }
            value.store(to)
          }
        }
        lane &+= half
      }
      grid.advance(&place)
    }
  }

  /// U of `count` source channels and one block of lanes, from taps that lie `tapStep` and channels
  /// that lie `step` floats apart.
  @inline(never)
  static func transformWeights(
    _ count: Int, _ lanes: Int, _ w: FloatsIn, _ tapStep: Int, _ step: Int, _ u: FloatsOut,
    _ productStep: Int, room: FloatsOut
  ) {
    for k in 0..<count {
      var lane = 0
      while lane < lanes {
        let (from, to) = (w + (k &* step &+ lane), u + (k &* lanes &+ lane))
        both(.weights, 3, 0, extent, room: room) { j in
          tileLine(3) { i in (from + (i &* 3 &+ j) &* tapStep).half }
        } row: { i, line in
          let to = to + i &* extent &* productStep
          for j in 0..<extent { line[unchecked: j].store(to + j &* productStep) }
        }
        lane &+= half
      }
    }
  }

  /// dw, overwritten or added to, of `count` input channels and one block of lanes, from the sums
  /// of products.
  @inline(never)
  static func transformWeightGradient(
    _ count: Int, _ lanes: Int, _ sums: FloatsIn, _ productStep: Int, _ dw: FloatsOut,
    _ tapStep: Int, _ step: Int, add: Bool, room: FloatsOut
  ) {
    for k in 0..<count {
      var lane = 0
      while lane < lanes {
        let (from, to) = (sums + (k &* lanes &+ lane), dw + (k &* step &+ lane))
        both(.weightGradient, extent, 0, 3, room: room) { j in
          let from = from + j &* productStep
          return tileLine(extent) { i in (from + i &* extent &* productStep).half }
        } row: { i, line in
          for j in 0..<3 {
            let to = to + (i &* 3 &+ j) &* tapStep
            let value = line[unchecked: j]
            (add ? csimd_add(FloatsIn(to).half, value) : value).store(to)
          }
        }
        lane &+= half
      }
    }
  }
}
