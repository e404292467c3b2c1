// Gradient of a convolution's weights: for every tap a matrix product over pixels,
// dw[tap][ci][co] += x[pixel + tap][ci] dy[pixel][co]. Rows of the register tile are input channels,
// its lanes output channels, and the inner loop runs along a row of pixels; pixels that a tap finds
// outside of the image are left out. A chunk of rows at a time, whose dy is packed to [pixel][lane],
// stays in the caches while all taps pass. With few input channels the rows are taps and channels
// together, from a matrix of patches of the chunk.

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
  /// Packed dy, and patches where there are few input channels.
  static func weightGradientScratch(_ shape: ConvolutionShape) -> Int {
    let pixels = chunkRows(shape) * shape.outputWidth
    let patches =
      shape.inputChannels < fewChannels
      ? pixels * shape.kernelHeight * shape.kernelWidth * shape.inputChannels : 0
    if usesPlaces(shape) {
      return placesScratch(shape) + pixels * wide + patches + 4 * packingSlack
    }
    return pixels * wide + patches + Target.edgeCount + 4 * packingSlack
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
    // In the order of memory: a tile's edge, packed dy, patches.
    let (edge, scratch) = (scratch, scratch + Target.edgeCount)
    let patches = scratch + (chunkRows(shape) * shape.outputWidth * wide + packingSlack)
    var row = 0
    while row < rows {
      let chunk = Chunk(first: row, end: min(rows, row + chunkRows(shape)))
      if few { gatherPatches(shape, chunk, x, patches) }
      var channel = 0
      while channel < outputs {
        let lanes = outputs - channel <= half ? half : wide
        let columns = min(lanes, outputs - channel)
        let pixels = (chunk.end - chunk.first) * shape.outputWidth
        let from = dy + chunk.first * shape.outputWidth * outputs + channel
        packColumns(columns, pixels, from, outputs, scratch, lanes)
        if let dbias {
          addRows(pixels, lanes, columns, FloatsIn(scratch), dbias + channel)
        }
        if few {
          multiplyPatches(shape, chunk, channel, FloatsIn(patches), FloatsIn(scratch), dw, edge)
        } else if lanes == wide {
          multiplyTaps(shape, chunk, channel, columns, Wide.self, x, FloatsIn(scratch), dw, edge)
        } else {
          multiplyTaps(shape, chunk, channel, columns, Half.self, x, FloatsIn(scratch), dw, edge)
        }
        channel += lanes
      }
      row = chunk.end
    }
  }

  /// dw += the chunk's products, for the outputs channel..<channel + columns and all taps.
  @inline(__always)
  private static func multiplyTaps<V: Vector>(
    _ shape: ConvolutionShape, _ chunk: Chunk, _ channel: Int, _ columns: Int, _ vector: V.Type,
    _ x: FloatsIn, _ dy: FloatsIn, _ dw: FloatsOut, _ edge: FloatsOut
  ) {
    let inputs = shape.inputChannels
    let groups = Partition(inputs, largest: tileRows)
    for i in 0..<shape.kernelHeight {
      for j in 0..<shape.kernelWidth {
        // Columns whose tap lies inside the image.
        let axis = Axis.forward(
          extent: shape.width, kernel: shape.kernelWidth, stride: shape.stride,
          padding: shape.padding)
        let (first, end) = axis.inside(0, shape.outputWidth, j)
        let tap = i * shape.kernelWidth + j
        for group in 0..<groups.parts {
          let ci = groups.start(group)
          let task = GradientTask(
            chunk: chunk, height: shape.height, outputHeight: shape.outputHeight,
            stride: shape.stride, rowOffset: i - shape.padding,
            x: x + (first * shape.stride + j - shape.padding) * inputs + ci,
            xRow: shape.width * inputs, xPixel: shape.stride * inputs,
            dy: dy + first * V.lanes, dyRow: shape.outputWidth * V.lanes,
            pixels: max(0, end - first),
            target: Target(
              start: dw + ((tap * inputs + ci) * shape.outputChannels + channel),
              step: shape.outputChannels, columns: columns, edge: edge, add: true))
          runGradient(groups.start(group + 1) - ci, vector, task)
        }
      }
    }
  }

  /// dw += patches^T dy, a matrix product over the chunk's pixels.
  private static func multiplyPatches(
    _ shape: ConvolutionShape, _ chunk: Chunk, _ channel: Int, _ patches: FloatsIn, _ dy: FloatsIn,
    _ dw: FloatsOut, _ edge: FloatsOut
  ) {
    let size = shape.kernelHeight * shape.kernelWidth * shape.inputChannels
    let lanes = shape.outputChannels - channel <= half ? half : wide
    let groups = Partition(size, largest: tileRows)
    for group in 0..<groups.parts {
      let row = groups.start(group)
      let task = MatrixTask(
        count: (chunk.end - chunk.first) * shape.outputWidth, a: patches + row, aStep: size,
        rowStep: 1, b: dy, bStep: lanes,
        target: Target(
          start: dw + (row * shape.outputChannels + channel), step: shape.outputChannels,
          columns: min(lanes, shape.outputChannels - channel), edge: edge, add: true),
        next: dy, nextStep: 0)
      if lanes == wide {
        runTile(groups.start(group + 1) - row, Wide.self, task)
      } else {
        runTile(groups.start(group + 1) - row, Half.self, task)
      }
    }
  }

  /// patches[pixel][tap, ci] = x under each tap, zeros outside of the image.
  private static func gatherPatches(
    _ shape: ConvolutionShape, _ chunk: Chunk, _ x: FloatsIn, _ patches: FloatsOut
  ) {
    let inputs = shape.inputChannels
    let line = shape.kernelWidth * inputs
    var to = patches
    for row in chunk.first..<chunk.end {
      let (image, r) = (row / shape.outputHeight, row % shape.outputHeight)
      for c in 0..<shape.outputWidth {
        let column = c * shape.stride - shape.padding
        // Floats of a kernel row that fall inside the image.
        let first = max(0, -column) * inputs
        let end = min(shape.kernelWidth, shape.width - column) * inputs
        for i in 0..<shape.kernelHeight {
          let h = r * shape.stride + i - shape.padding
          let inside = h >= 0 && h < shape.height
          let from = x + ((image * shape.height + h) * shape.width + column) * inputs
          for k in 0..<line { to[k] = inside && k >= first && k < end ? from[k] : 0 }
          to += line
        }
      }
    }
  }
}

/// One tile of the weights' gradient.
struct GradientTask {
  fileprivate var chunk: Chunk
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

/// Runs a tile of `rows` (1...tileRows) input channels with vectors V.
@inline(__always)
private func runGradient<V: Vector>(_ rows: Int, _ vector: V.Type, _ t: GradientTask) {
  switch rows {
  case 1: Tile<1, V>.gradient(t)
  case 2: Tile<2, V>.gradient(t)
  case 3: Tile<3, V>.gradient(t)
  case 4: Tile<4, V>.gradient(t)
  case 5: Tile<5, V>.gradient(t)
  #if KERNEL_AVX512
    case 6: Tile<6, V>.gradient(t)
    case 7: Tile<7, V>.gradient(t)
    case 8: Tile<8, V>.gradient(t)
    case 9: Tile<9, V>.gradient(t)
    case 10: Tile<10, V>.gradient(t)
    case 11: Tile<11, V>.gradient(t)
    default: Tile<12, V>.gradient(t)
  #else
    default: Tile<6, V>.gradient(t)
  #endif
  }
}
