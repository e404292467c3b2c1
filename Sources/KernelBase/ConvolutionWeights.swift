// Gradient of a convolution's weights: for every tap a matrix product over pixels,
// dw[tap][ci][co] += x[pixel + tap][ci] dy[pixel][co]. Rows of the register tile are input channels,
// its lanes output channels, and the inner loop runs along a row of pixels; pixels that a tap finds
// outside of the image are left out. A chunk of rows at a time, whose dy is packed to [pixel][lane],
// stays in the caches while all taps pass. With few input channels the rows are all taps of a kernel
// row and their channels together, which lie side by side; zeros around the chunk's rows, copied
// for the purpose, spare them the borders.

import CSIMD
import KernelABI

/// Pixels of a chunk.
private var chunkPixels: Int { 256 }

/// From how many input channels on x is read in place.
private var fewChannels: Int { 8 }

/// A run of rows of the result, counted through the batch.
private struct Chunk {
  var first: Int
  var end: Int
}

extension VectorKernels {
  /// Packed dy, and padded rows of x where there are few input channels.
  static func weightGradientScratch(_ shape: ConvolutionShape) -> Int {
    let few = shape.inputChannels < fewChannels
    if !few && usesPlaces(shape) { return placesScratch(shape) }
    let images = chunkRows(shape) / max(1, shape.outputHeight) + 2
    let rows = few ? min(images, shape.batch) * shape.height * paddedRow(shape) : 0
    return chunkRows(shape) * shape.outputWidth * wide + rows + Target.edgeCount + packingSlack
  }

  /// Floats of a row of x between zeros.
  @inline(__always)
  private static func paddedRow(_ shape: ConvolutionShape) -> Int {
    (shape.width + 2 * shape.padding) * shape.inputChannels
  }

  /// Rows of the result per chunk.
  @inline(__always)
  private static func chunkRows(_ shape: ConvolutionShape) -> Int {
    max(1, chunkPixels / max(1, shape.outputWidth))
  }

  /// Adds to dw and dbias.
  static func directBackwardWeights(
    _ shape: ConvolutionShape, _ x: FloatsIn, _ dy: FloatsIn, _ dw: FloatsOut,
    _ dbias: FloatsOut?, _ scratch: FloatsOut
  ) {
    let rows = shape.batch * shape.outputHeight
    let outputs = shape.outputChannels
    let few = shape.inputChannels < fewChannels
    if !few && usesPlaces(shape) {
      return gradientByPlaces(shape, x, dy, dw, dbias, scratch)
    }
    // In the order of memory: a tile's edge, packed dy, rows of x.
    let (edge, scratch) = (scratch, scratch + Target.edgeCount)
    let room = scratch + (chunkRows(shape) * shape.outputWidth * wide + packingSlack)
    var row = 0
    while row < rows {
      let chunk = Chunk(first: row, end: min(rows, row + chunkRows(shape)))
      let padded = few ? padRows(shape, chunk, x, room) : nil
      var channel = 0
      while channel < outputs {
        let lanes = outputs - channel <= half ? half : wide
        let columns = min(lanes, outputs - channel)
        let pixels = (chunk.end - chunk.first) * shape.outputWidth
        let from = dy + chunk.first * shape.outputWidth * outputs + channel
        packColumns(columns, pixels, from, outputs, scratch, lanes)
        if let dbias {
          addPackedLines(pixels, lanes, columns, FloatsIn(scratch), dbias + channel)
        }
        let block = GradientBlock(
          shape: shape, chunk: chunk, x: x, padded: padded, dy: FloatsIn(scratch),
          target: Target(
            start: dw + channel, step: outputs, columns: columns, edge: edge, add: true))
        if lanes == wide { block.multiply(Wide.self) } else { block.multiply(Half.self) }
        channel += lanes
      }
      row = chunk.end
    }
  }

  /// Copies the rows of x that a chunk reads, zeros beside them.
  ///
  /// - Returns: where row 0 of the batch would begin.
  private static func padRows(
    _ shape: ConvolutionShape, _ chunk: Chunk, _ x: FloatsIn, _ room: FloatsOut
  ) -> FloatsIn {
    let (stride, padding) = (shape.stride, shape.padding)
    let last = chunk.end - 1
    let first =
      chunk.first / shape.outputHeight * shape.height
      + min(shape.height, max(0, chunk.first % shape.outputHeight * stride - padding))
    let below = last % shape.outputHeight * stride - padding + shape.kernelHeight
    let end =
      last / shape.outputHeight * shape.height + min(shape.height, max(0, below))
    let (line, border) = (shape.width * shape.inputChannels, padding * shape.inputChannels)
    var to = room
    for row in first..<max(first, end) {
      to.update(repeating: 0, count: border)
      (to + border).update(from: x + row * line, count: line)
      (to + border + line).update(repeating: 0, count: border)
      to += paddedRow(shape)
    }
    return FloatsIn(room) - first * paddedRow(shape)
  }

  /// dbias += the sum of `pixels` packed lines.
  static func addPackedLines(
    _ pixels: Int, _ lanes: Int, _ columns: Int, _ lines: FloatsIn, _ dbias: FloatsOut
  ) {
    var lane = 0
    while lane < columns {
      var (even, odd) = (Half(), Half())
      var p = 0
      while p &+ 2 <= pixels {
        even = csimd_add(even, (lines + (p &* lanes &+ lane)).half)
        odd = csimd_add(odd, (lines + ((p &+ 1) &* lanes &+ lane)).half)
        p &+= 2
      }
      if p < pixels { even = csimd_add(even, (lines + (p &* lanes &+ lane)).half) }
      let count = min(half, columns &- lane)
      let sum = csimd_add(csimd_add(even, odd), Half.load(FloatsIn(dbias + lane), count))
      sum.store(dbias + lane, count)
      lane &+= half
    }
  }
}

/// The products of a chunk for one block of output channels.
private struct GradientBlock {
  let shape: ConvolutionShape
  let chunk: Chunk
  let x: FloatsIn
  /// Rows of x between zeros, where there are few input channels.
  let padded: FloatsIn?
  /// [pixel][lane].
  let dy: FloatsIn
  /// The block's first weight.
  let target: Target

  /// dw += products, for all taps.
  @inline(__always)
  func multiply<V: Vector>(_ vector: V.Type) {
    let inputs = shape.inputChannels
    for i in 0..<shape.kernelHeight {
      let row = i * shape.kernelWidth * inputs
      if let padded {
        let line = (shape.width + 2 * shape.padding) * inputs
        multiply(
          vector, kernelRow: i, rows: shape.kernelWidth * inputs, firstRow: row, x: padded,
          xRow: line, pixels: 0..<shape.outputWidth)
        continue
      }
      for j in 0..<shape.kernelWidth {
        // Columns whose tap lies inside the image.
        let (first, end) = shape.columns.inside(0, shape.outputWidth, j)
        multiply(
          vector, kernelRow: i, rows: inputs, firstRow: row + j * inputs,
          x: x + (first * shape.stride + j - shape.padding) * inputs,
          xRow: shape.width * inputs, pixels: first..<max(first, end))
      }
    }
  }

  /// `rows` rows of dw from number `firstRow` on, which lie side by side in x.
  @inline(__always)
  private func multiply<V: Vector>(
    _ vector: V.Type, kernelRow: Int, rows: Int, firstRow: Int, x: FloatsIn, xRow: Int,
    pixels: Range<Int>
  ) {
    let groups = Partition(rows, largest: tileRows)
    for group in 0..<groups.parts {
      let row = groups.start(group)
      var target = target
      target.start += (firstRow + row) * shape.outputChannels
      var task = GradientTask(
        chunk: chunk, height: shape.height, outputHeight: shape.outputHeight,
        stride: shape.stride, rowOffset: kernelRow - shape.padding, x: x + row, xRow: xRow,
        xPixel: shape.stride * shape.inputChannels, dy: dy + pixels.lowerBound * V.lanes,
        dyRow: shape.outputWidth * V.lanes, pixels: pixels.count, target: target)
      task.run(groups.start(group + 1) - row, vector)
    }
  }
}

/// One tile of the weights' gradient.
private struct GradientTask: TileTask {
  var chunk: Chunk
  var height: Int
  var outputHeight: Int
  var stride: Int
  /// Row of x for row r of the result: r stride + rowOffset.
  var rowOffset: Int
  /// First product of row 0 of image 0; floats per row of pixels and per step along it.
  var x: FloatsIn
  var xRow: Int
  var xPixel: Int
  var dy: FloatsIn
  var dyRow: Int
  /// Products per row.
  var pixels: Int
  var target: Target

  @inline(__always)
  func run<let R: Int, V: Vector>(_ tile: Tile<R, V>.Type) { tile.gradient(self) }
}

extension Tile {
  /// dw[row][lane] += sum over the chunk's pixels of x[pixel][row] dy[pixel][lane].
  @inline(never)
  fileprivate static func gradient(_ t: GradientTask) {
    var sums = zero()
    var image = t.chunk.first / t.outputHeight
    var r = t.chunk.first &- image &* t.outputHeight
    var dy = t.dy
    for _ in t.chunk.first..<t.chunk.end {
      let h = r &* t.stride &+ t.rowOffset
      if h >= 0 && h < t.height {
        let x = t.x + (image &* t.height &+ h) &* t.xRow
        multiply(&sums, t.pixels, x, t.xPixel, dy, V.lanes)
      }
      dy += t.dyRow
      r &+= 1
      if r == t.outputHeight {
        r = 0
        image &+= 1
      }
    }
    write(&sums, t.target)
  }
}
