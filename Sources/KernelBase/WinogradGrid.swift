// Where Winograd convolutions find their tiles: places in images, clipped at borders, and the order of
// the matrices between the transforms, one per product xi of a tile ((m + 2)^2 of them):
//   V[xi][16 source channels][tile][channel]      what a pass reads, transformed
//   Z[xi][block of target channels][tile][lane]   dy, transformed
//   U[block][xi][source channel][lane]            weights, transformed
//   M[xi][tile][lane]                             products of V and U, for one block
// The rows of the register tile lie 16 floats apart in V, whatever the number of channels, so that
// one pointer reaches all of them. Matrices are a line more than their size apart: the streams of
// all xi would otherwise share a few sets of the first-level cache.

import KernelABI

/// Channels that lie together in V.
@inline(__always) var groupLanes: Int { 16 }

/// Images, cut into tiles of `side` x `side` pixels that are numbered through the batch.
struct TileGrid {
  var height: Int
  var width: Int
  var side: Int
  var rows: Int
  var columns: Int

  init(height: Int, width: Int, side: Int) {
    (self.height, self.width, self.side) = (height, width, side)
    (rows, columns) = ((height + side - 1) / side, (width + side - 1) / side)
  }

  /// Tiles of an image.
  @inline(__always)
  var count: Int { rows &* columns }

  /// The place of tile `number` of the batch.
  @inline(__always)
  func place(_ number: Int) -> Place {
    let (image, row) = (number / count, number / columns)
    return Place(image: image, row: row &- image &* rows, column: number &- row &* columns)
  }

  /// The place of the tile that follows.
  @inline(__always)
  func advance(_ place: inout Place) {
    place.column &+= 1
    if place.column == columns { (place.column, place.row) = (0, place.row &+ 1) }
    if place.row == rows { (place.row, place.image) = (0, place.image &+ 1) }
  }

  /// A tile's place.
  struct Place {
    var image: Int
    var row: Int
    var column: Int
  }
}

/// NHWC images that are read, zeros around them.
struct TileSource {
  /// The first channel that is read; how many of `channels` are.
  var start: FloatsIn
  var count: Int
  var height: Int
  var width: Int
  var channels: Int
  /// Rows and columns of zeros that the first tile begins with.
  var padding: Int
  /// Six pixels of zeros.
  var zeros: FloatsIn

  /// The pixels of a tile: where each row begins, and which columns lie inside of the image.
  struct Patch {
    var rows: InlineArray<6, FloatsIn>
    var firstColumn: Int
    var endColumn: Int
    var step: Int
  }

  /// `extent` x `extent` pixels at `place`.
  @inline(__always)
  func patch(_ place: TileGrid.Place, _ side: Int, _ extent: Int) -> Patch {
    let top = place.row &* side &- padding
    let left = place.column &* side &- padding
    let step = width &* channels
    let first = start + ((place.image &* height &+ top) &* step &+ left &* channels)
    @inline(__always)
    func row(_ i: Int) -> FloatsIn {
      i &+ top >= 0 && i &+ top < height ? first + i &* step : zeros
    }
    return Patch(
      rows: [row(0), row(1), row(2), row(3), row(4), row(5)],
      firstColumn: max(0, 0 &- left), endColumn: min(extent, width &- left), step: channels)
  }
}

extension TileSource.Patch {
  /// Column `j`, `extent` pixels, of the channels from `c` on.
  @inline(__always)
  func column(_ j: Int, _ c: Int, _ extent: Int) -> TileLine {
    guard j >= firstColumn && j < endColumn else { return tileLine(0) { _ in Half() } }
    let offset = j &* step &+ c
    return tileLine(extent) { i in (rows[unchecked: i] + offset).half }
  }
}

/// How V or Z lies: a matrix per product xi of a tile, for each panel of channels. A panel's matrices
/// lie together, so that what is read next follows what was read.
struct TileLayout {
  /// Floats of one group of 16 channels, or of one block; groups or blocks per panel.
  let channelStep: Int
  let perPanel: Int
  /// Floats from one xi to the next, and from one panel to the next.
  let productStep: Int
  let panelStep: Int
  /// Floats of all panels.
  let count: Int

  init(products: Int, channelStep: Int, parts: Int, perPanel: Int) {
    (self.channelStep, self.perPanel) = (channelStep, min(parts, perPanel))
    productStep = channelStep * self.perPanel + 16
    panelStep = products * productStep
    count = (parts + self.perPanel - 1) / self.perPanel * panelStep
  }

  /// Floats from the start to a group or block of channels, for the first xi.
  @inline(__always)
  func offset(_ part: Int) -> Int {
    let panel = part / perPanel
    return panel &* panelStep &+ (part &- panel &* perPanel) &* channelStep
  }
}

/// NHWC images that are written.
struct TileTarget {
  /// The first channel that is written.
  var start: FloatsOut
  var channels: Int
  /// Added to each pixel, or nil.
  var bias: FloatsIn?
  /// Results below become this; NaN stays NaN.
  var floor: Float
  /// Add to what is there.
  var add: Bool
}

/// Lanes of the block of target channels that starts at `channel`: one vector of two registers, or
/// of one where that holds the rest.
@inline(__always)
func blockLanes(_ channel: Int, _ channels: Int) -> Int {
  channels &- channel <= half ? half : wide
}
