// Forward and backward data are one computation. Along each axis, place t of the destination is a
// sum over taps m of source place (sourceStep t + offset + m). Forward: sourceStep is the stride.
// Backward data: the taps are flipped, and destination places fall into `stride` phases, each of
// which sees every stride-th tap. A row of the destination is cut into tiles of up to `tileRows`
// pixels; per tile the taps are put together to spans that lie contiguously in memory, with pixels
// left out that a tap finds outside of the image, so that borders cost no multiplications.

import KernelABI

/// One axis of a pass, one phase.
struct Axis {
  /// Places in the source.
  var extent: Int
  /// Places of the destination: first, step, number.
  var start: Int
  var step: Int
  var count: Int
  /// Source place of tap m for destination place t: sourceStep t + offset + m.
  var sourceStep: Int
  var offset: Int
  /// Taps: number of the first, step, how many.
  var firstTap: Int
  var tapStep: Int
  var taps: Int

  /// The forward pass, from `extent` places to `count`.
  fileprivate init(extent: Int, count: Int, kernel: Int, stride: Int, padding: Int) {
    (self.extent, self.count, start, step) = (extent, count, 0, 1)
    (sourceStep, offset) = (stride, -padding)
    (firstTap, tapStep, taps) = (0, 1, kernel)
  }

  /// Phase `phase` (0..<stride) of backward data, from `count` places to an image's `extent`, with
  /// taps numbered from the kernel's end.
  fileprivate init(
    extent: Int, count: Int, kernel: Int, stride: Int, padding: Int, phase: Int
  ) {
    // Tap j contributes where phase + padding - j is a multiple of the stride; flipped: kernel-1-j.
    let reach = phase + padding - (kernel - 1)
    let first = ((-reach) % stride + stride) % stride
    (self.extent, start, step) = (count, phase, stride)
    self.count = phase < extent ? (extent - phase + stride - 1) / stride : 0
    (sourceStep, offset) = (1, (reach + first) / stride)
    (firstTap, tapStep) = (first, stride)
    taps = first < kernel ? (kernel - first + stride - 1) / stride : 0
  }

  /// Taps that find their source inside the image for places t..<t + n all alike: the range of
  /// places among these n that tap m may use.
  @inline(__always)
  func inside(_ t: Int, _ n: Int, _ m: Int) -> (first: Int, end: Int) {
    let at = sourceStep * t + offset + m
    let first = at >= 0 ? 0 : (-at + sourceStep - 1) / sourceStep
    let end = at >= extent ? 0 : (extent - 1 - at) / sourceStep + 1
    return (min(first, n), min(end, n))
  }
}

extension ConvolutionShape {
  /// Rows of the forward pass.
  var rows: Axis {
    Axis(
      extent: height, count: outputHeight, kernel: kernelHeight, stride: stride, padding: padding)
  }
  /// Columns of the forward pass.
  var columns: Axis {
    Axis(extent: width, count: outputWidth, kernel: kernelWidth, stride: stride, padding: padding)
  }
  /// Rows of a phase of backward data.
  func backwardRows(_ phase: Int) -> Axis {
    Axis(
      extent: height, count: outputHeight, kernel: kernelHeight, stride: stride, padding: padding,
      phase: phase)
  }
  /// Columns of a phase of backward data.
  func backwardColumns(_ phase: Int) -> Axis {
    Axis(
      extent: width, count: outputWidth, kernel: kernelWidth, stride: stride, padding: padding,
      phase: phase)
  }
}

/// Which pixels of a tile take part in a span.
enum Reach: Int {
  /// All, all but the first, all but the last, or some range (through a copy with zeros).
  case all, butFirst, butLast, some
}

/// Taps of one kernel row that are contiguous in source and weights and reach the same pixels.
struct Span {
  /// Source column of the tile's first pixel, for the span's first tap; may be outside.
  var column: Int
  /// Number of the first tap in the kernel's row; how many.
  var tap: Int
  var taps: Int
  var reach: Reach
  /// Pixels that take part.
  var first: Int
  var end: Int
}

/// Pixels of a destination row that are computed together.
struct PixelTile {
  /// First place; number of places.
  var place: Int
  var pixels: Int
  var spans: Int
}

/// The tiles of one column phase with their spans, in the caller's scratch.
struct RowPlan {
  let tiles: Partition
  private let memory: UnsafeMutableRawPointer
  private let stride: Int

  /// Floats of scratch for a plan over `count` places and `taps` taps.
  static func scratch(_ count: Int, _ taps: Int) -> Int {
    let tiles = (count + tileRows - 1) / tileRows
    return tiles * (MemoryLayout<PixelTile>.stride + taps * MemoryLayout<Span>.stride) / 4 + 16
  }

  /// Plans a row.
  init(_ axis: Axis, scratch: FloatsOut) {
    tiles = Partition(axis.count, largest: tileRows)
    stride = MemoryLayout<PixelTile>.stride + axis.taps * MemoryLayout<Span>.stride
    let address = (UInt(bitPattern: scratch) + 15) & ~15
    memory = UnsafeMutableRawPointer(bitPattern: address) ?? UnsafeMutableRawPointer(scratch)
    for i in 0..<tiles.parts {
      var tile = PixelTile(
        place: tiles.start(i), pixels: tiles.start(i + 1) - tiles.start(i), spans: 0)
      let spans = spans(i)
      for m in 0..<axis.taps {
        let (first, end) = axis.inside(tile.place, tile.pixels, m)
        guard first < end else { continue }
        let reach: Reach =
          switch (first, tile.pixels - end) {
          case (0, 0): .all
          case (1, 0): .butFirst
          case (0, 1): .butLast
          default: .some
          }
        if tile.spans > 0 && axis.tapStep == 1 && reach != .some
          && spans[tile.spans - 1].reach == reach
        {
          spans[tile.spans - 1].taps += 1
        } else {
          spans[tile.spans] = Span(
            column: axis.sourceStep * tile.place + axis.offset + m,
            tap: axis.firstTap + axis.tapStep * m, taps: 1, reach: reach, first: first, end: end)
          tile.spans += 1
        }
      }
      memory.advanced(by: i * stride).storeBytes(of: tile, as: PixelTile.self)
    }
  }

  /// Tile `i`.
  @inline(__always)
  func tile(_ i: Int) -> PixelTile { memory.load(fromByteOffset: i &* stride, as: PixelTile.self) }

  /// The spans of tile `i`.
  @inline(__always)
  func spans(_ i: Int) -> UnsafeMutablePointer<Span> {
    memory.advanced(by: i &* stride &+ MemoryLayout<PixelTile>.stride)
      .assumingMemoryBound(to: Span.self)
  }
}
