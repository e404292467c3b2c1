// The register tile of a convolution: R neighbouring pixels of a row times one vector of channels,
// summed over all taps and channels of the source without leaving the registers.

import KernelABI

/// What a tile of a pass needs to know.
struct ConvolutionTask: TileTask {
  /// The image that is read: first float, floats per row of pixels, channels.
  var source: FloatsIn
  var sourceRow: Int
  var channels: Int
  /// Floats from one pixel of the tile to the next.
  var pixelStep: Int
  /// Rows of the source: place of tap 0 (may be outside), and the taps that fall inside.
  var row: Int
  var firstTap: Int
  var endTap: Int
  /// Weights [tap][source channel][lane] of this vector of channels; taps of a kernel row, number
  /// of the first row of taps, step.
  var weights: FloatsIn
  var kernelWidth: Int
  var kernelRow: Int
  var kernelStep: Int
  /// Spans along the row.
  var spans: UnsafeMutablePointer<Span>
  var spanCount: Int
  /// Room for R pixels.
  var patch: FloatsOut
  /// Where the sums go.
  var target: Target

  @inline(__always)
  func run<let R: Int, V: Vector>(_ tile: Tile<R, V>.Type) { tile.convolve(self) }
}

extension Tile {
  /// One tile of a pass.
  @inline(never)
  static func convolve(_ t: ConvolutionTask) {
    var sums = zero()
    for tap in t.firstTap..<t.endTap {
      let line = t.source + (t.row &+ tap) &* t.sourceRow
      let kernelLine = (t.kernelRow &+ t.kernelStep &* tap) &* t.kernelWidth
      for s in 0..<t.spanCount {
        let span = t.spans[s]
        let a = line + span.column &* t.channels
        let b = t.weights + (kernelLine &+ span.tap) &* t.channels &* V.lanes
        let count = span.taps &* t.channels
        switch span.reach {
        case .all: multiplyRows(&sums, count, a, t.pixelStep, b)
        case .butFirst: multiplyRows(&sums, count, a, t.pixelStep, b, first: 1)
        case .butLast: multiplyRows(&sums, count, a, t.pixelStep, b, end: R - 1)
        case .some:
          copyPatch(R, t, a, span)
          multiplyRows(&sums, count, FloatsIn(t.patch), count, b)
        }
      }
    }
    write(&sums, t.target)
  }
}

/// The pixels that a span reaches, zeros for the others.
@inline(never)
private func copyPatch(_ pixels: Int, _ t: ConvolutionTask, _ a: FloatsIn, _ span: Span) {
  for i in 0..<pixels {
    let to = t.patch + i &* t.channels
    if i >= span.first && i < span.end {
      to.update(from: a + i &* t.pixelStep, count: t.channels)
    } else {
      to.update(repeating: 0, count: t.channels)
    }
  }
}
