// Gradient of a Winograd convolution's weights: with V = B^T x B (the forward pass's) and
// Z = A dy A^T, the sums dU[xi] = V[xi]^T Z[xi] over all tiles are transformed back at the end,
// dw = G^T dU G. Panels of 128 input and 128 output channels take their turns, and halves of the rows of
// V, Z and dU, so that they stay in the second-level cache. That V is computed anew for each panel of
// outputs, and Z for each panel of inputs, costs less than memory would; and dU, four times as large
// as dw, is never stored.

import KernelABI

extension Winograd {
  /// dw, overwritten or added to; adds to dbias.
  static func backwardWeights(
    _ shape: ConvolutionShape, _ x: FloatsIn, _ dy: FloatsIn, _ dw: FloatsOut,
    _ dbias: FloatsOut?, add: Bool, _ scratch: FloatsOut
  ) {
    let memory = GradientMemory<T>(shape)
    let zeros = scratch + memory.zeros
    zeros.update(repeating: 0, count: memory.zerosCount)
    let gradient = WinogradGradient<T>(
      shape: shape, grid: forwardGrid(shape),
      x: TileSource(
        start: x, count: 0, height: shape.height, width: shape.width,
        channels: shape.inputChannels, padding: shape.padding, zeros: FloatsIn(zeros)),
      dy: TileSource(
        start: dy, count: 0, height: shape.outputHeight, width: shape.outputWidth,
        channels: shape.outputChannels, padding: 0, zeros: FloatsIn(zeros)),
      dw: dw, dbias: dbias, add: add, memory: memory, scratch: scratch)
    var input = 0
    while input < shape.inputChannels {
      var output = 0
      while output < shape.outputChannels {
        gradient.addPanel(input, output)
        output += gradientPanel
      }
      input += gradientPanel
    }
  }

  /// Channels of a panel.
  fileprivate static var gradientPanel: Int { 128 }

  static func gradientScratch(_ shape: ConvolutionShape) -> Int { GradientMemory<T>(shape).count }
}

/// Where the gradient keeps what, in floats from the start of scratch.
private struct GradientMemory<T: WinogradTransform> {
  /// Tiles of a block.
  let tiles: Int
  /// Rows of transforms come in two halves.
  let halves: Bool
  let totals: Int
  let zeros: Int
  let zerosCount: Int
  let v: Int
  let vLayout: TileLayout
  let z: Int
  let zLayout: TileLayout
  /// dU[xi][block][input][lane] of a panel.
  let sums: Int
  let sumsLayout: TileLayout
  let count: Int

  init(_ shape: ConvolutionShape) {
    let inputs = min(shape.inputChannels, Winograd<T>.gradientPanel)
    let outputs = min(shape.outputChannels, Winograd<T>.gradientPanel)
    let tiles = shape.batch * Winograd<T>.forwardGrid(shape).count
    halves = inputs + outputs > 64
    self.tiles = min(tiles, inputs + outputs <= 32 ? 96 : 48)
    let products = halves ? 3 * T.extent : T.products
    totals = T.roomCount
    zeros = totals + outputs
    zerosCount = 6 * max(shape.inputChannels, shape.outputChannels)
    let (groups, blocks) = (inputs / groupLanes, (outputs + wide - 1) / wide)
    v = zeros + zerosCount
    vLayout = TileLayout(
      products: products, channelStep: self.tiles * groupLanes, parts: groups, perPanel: groups)
    z = v + vLayout.count
    zLayout = TileLayout(
      products: products, channelStep: self.tiles * wide, parts: blocks, perPanel: blocks)
    sums = z + zLayout.count
    sumsLayout = TileLayout(
      products: T.products, channelStep: inputs * wide, parts: blocks, perPanel: blocks)
    count = sums + sumsLayout.count
  }
}

/// One call.
private struct WinogradGradient<T: WinogradTransform> {
  let shape: ConvolutionShape
  let grid: TileGrid
  let x: TileSource
  let dy: TileSource
  let dw: FloatsOut
  let dbias: FloatsOut?
  let add: Bool
  let memory: GradientMemory<T>
  let scratch: FloatsOut

  /// dw of the panel of channels at `input` and `output`.
  func addPanel(_ input: Int, _ output: Int) {
    var (x, dy) = (x, dy)
    x.start += input
    x.count = min(Winograd<T>.gradientPanel, shape.inputChannels - input)
    dy.start += output
    dy.count = min(Winograd<T>.gradientPanel, shape.outputChannels - output)
    if memory.halves {
      addRows(TileRows<T, 0, 3>.self, x, dy, input, output)
      addRows(TileRows<T, 3, 3>.self, x, dy, input, output)
    } else {
      addRows(TileRows<T, 0, 6>.self, x, dy, input, output)
    }
    transformBack(input, x.count, output, dy.count)
  }

  /// Some rows of dU, of a panel, over all tiles; with the first row, and input, also dbias.
  private func addRows<let First: Int, let Count: Int>(
    _ rows: TileRows<T, First, Count>.Type, _ x: TileSource, _ dy: TileSource, _ input: Int,
    _ output: Int
  ) {
    let (v, z, totals) = (scratch + memory.v, scratch + memory.z, scratch + memory.totals)
    let bias = First == 0 && input == 0 ? dbias.map { $0 + output } : nil
    let blocks = Partition(shape.batch * grid.count, largest: memory.tiles)
    for block in 0..<blocks.parts {
      let first = blocks.start(block)
      let tiles = blocks.start(block + 1) - first
      if bias != nil { totals.update(repeating: 0, count: dy.count) }
      rows.transformInput(grid, x, first, tiles, memory.vLayout, v, room: scratch)
      rows.transformGradient(
        grid, dy, first, tiles, memory.zLayout, z, totals: bias == nil ? nil : totals,
        room: scratch)
      if let bias {
        for c in 0..<dy.count { bias[c] += totals[c] }
      }
      multiply(rows.products, x.count, dy.count, tiles, add: block > 0)
    }
  }

  /// dU (+)= V^T Z.
  private func multiply(
    _ products: Range<Int>, _ inputs: Int, _ outputs: Int, _ tiles: Int, add: Bool
  ) {
    let (v, z, sums) = (memory.vLayout, memory.zLayout, memory.sumsLayout)
    for xi in products {
      let (from, to) = (xi - products.lowerBound, memory.sums + xi * sums.productStep)
      let a = FloatsIn(scratch + (memory.v + from * v.productStep))
      let b = FloatsIn(scratch + (memory.z + from * z.productStep))
      for block in 0..<(outputs + wide - 1) / wide {
        let lanes = blockLanes(block * wide, outputs)
        for group in 0..<inputs / groupLanes {
          runWinogradGradient(
            lanes,
            WinogradTask(
              count: tiles, a: a + group * v.channelStep, aStep: 0, b: b + block * z.channelStep,
              c: scratch + (to + block * sums.channelStep + group * groupLanes * lanes), add: add))
        }
      }
    }
  }

  /// dw (+)= G^T dU G.
  private func transformBack(_ input: Int, _ inputs: Int, _ output: Int, _ outputs: Int) {
    let sums = memory.sumsLayout
    for block in 0..<(outputs + wide - 1) / wide {
      let channel = block * wide
      T.transformWeightGradient(
        inputs, blockLanes(channel, outputs),
        FloatsIn(scratch + (memory.sums + block * sums.channelStep)), sums.productStep,
        dw + (input * shape.outputChannels + output + channel),
        shape.inputChannels * shape.outputChannels, shape.outputChannels, add: add, room: scratch)
    }
  }
}
