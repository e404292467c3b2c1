// Winograd convolution, forward and backward data, which differ in who reads and who writes: backward
// data is a convolution of dy with the kernel turned by 180 degrees and channels swapped. Blocks of
// tiles pass through three stages whose matrices stay in the second-level cache: V = B^T d B of all
// source channels; for each block of target channels M[xi] = V[xi] U[xi], one matrix product per
// xi; pixels A^T M A.
// Cost: (m + 2)^2 multiplications per tile of m x m results and pair of channels, instead of 9 m^2.

import KernelABI

/// Winograd convolutions with the transforms of T.
enum Winograd<T: WinogradTransform> {
  /// Tiles of a block. V takes a quarter of the second-level cache or half of it, beside U if that is
  /// small enough; else U comes from the third level, and each of its numbers should serve many tiles.
  static func blockTiles(_ sources: Int) -> Int {
    sources <= 32 ? 48 : sources <= 128 ? 24 : 128
  }

  /// Source channels of U that a pass transforms at a time where the whole is not prepared.
  static var depth: Int { 64 }

  /// Whether a pass finds all of U prepared. Where channels are many, the images of a call are few
  /// and small: transforming a block of U right before its use is faster than reading it from
  /// memory, where four (or nearly two) floats stand for each one of w.
  static func isPrepared(_ shape: ConvolutionShape) -> Bool {
    shape.inputChannels * shape.outputChannels < 256 * 256
  }

  /// U, or nothing.
  static func preparedCount(_ shape: ConvolutionShape, _ direction: ConvolutionDirection) -> Int {
    guard isPrepared(shape) else { return 0 }
    let weights = WinogradWeights(shape, direction, nil)
    return (weights.targets + wide - 1) / wide * weights.blockStep(T.products, weights.sources)
  }

  /// U from w.
  static func prepare(
    _ shape: ConvolutionShape, _ direction: ConvolutionDirection, _ w: FloatsIn,
    _ prepared: FloatsOut, _ scratch: FloatsOut
  ) {
    guard isPrepared(shape) else { return }
    let weights = WinogradWeights(shape, direction, w)
    var (channel, u) = (0, prepared)
    while channel < weights.targets {
      weights.transform(T.self, channel, 0, weights.sources, u, scratch)
      channel += wide
      u += weights.blockStep(T.products, weights.sources)
    }
  }

  /// For all passes and the preparation.
  static func scratch(_ shape: ConvolutionShape) -> Int {
    let forward = forwardGrid(shape)
    let backward = backwardGrid(shape)
    return max(
      PassMemory<T>(shape, .forward, shape.batch * forward.count).count,
      PassMemory<T>(shape, .backwardData, shape.batch * backward.count).count,
      gradientScratch(shape))
  }

  static func forwardGrid(_ shape: ConvolutionShape) -> TileGrid {
    TileGrid(height: shape.outputHeight, width: shape.outputWidth, side: T.outputs)
  }

  private static func backwardGrid(_ shape: ConvolutionShape) -> TileGrid {
    TileGrid(height: shape.height, width: shape.width, side: T.outputs)
  }

  static func forward(
    _ shape: ConvolutionShape, _ x: FloatsIn, _ w: FloatsIn, _ prepared: FloatsIn,
    _ bias: FloatsIn?, _ relu: Bool, _ y: FloatsOut, _ scratch: FloatsOut
  ) {
    let grid = forwardGrid(shape)
    let memory = PassMemory<T>(shape, .forward, shape.batch * grid.count)
    let pass = WinogradPass<T>(
      grid: grid,
      source: TileSource(
        start: x, count: shape.inputChannels, height: shape.height, width: shape.width,
        channels: shape.inputChannels,
        padding: shape.padding, zeros: memory.clearedZeros(scratch)),
      target: TileTarget(
        start: y, channels: shape.outputChannels, bias: bias, floor: relu ? 0 : -.infinity,
        add: false),
      weights: WinogradWeights(shape, .forward, w),
      prepared: isPrepared(shape) ? prepared : nil, memory: memory, scratch: scratch)
    pass.run(shape.batch * grid.count)
  }

  static func backwardData(
    _ shape: ConvolutionShape, _ dy: FloatsIn, _ w: FloatsIn, _ prepared: FloatsIn,
    _ dx: FloatsOut, _ add: Bool, _ scratch: FloatsOut
  ) {
    let grid = backwardGrid(shape)
    let memory = PassMemory<T>(shape, .backwardData, shape.batch * grid.count)
    let pass = WinogradPass<T>(
      grid: grid,
      source: TileSource(
        start: dy, count: shape.outputChannels, height: shape.outputHeight,
        width: shape.outputWidth,
        channels: shape.outputChannels, padding: 2 - shape.padding,
        zeros: memory.clearedZeros(scratch)),
      target: TileTarget(
        start: dx, channels: shape.inputChannels, bias: nil, floor: -.infinity, add: add),
      weights: WinogradWeights(shape, .backwardData, w),
      prepared: isPrepared(shape) ? prepared : nil, memory: memory, scratch: scratch)
    pass.run(shape.batch * grid.count)
  }
}

/// Where a pass keeps what, in floats from the start of scratch.
private struct PassMemory<T: WinogradTransform> {
  let tiles: Int
  let zeros: Int
  let zerosCount: Int
  let v: Int
  let layout: TileLayout
  /// M[xi][tile][lane] of one block of target channels.
  let m: Int
  let productStep: Int
  /// One block of U, where the pass transforms the weights.
  let u: Int
  let count: Int

  /// For `tiles` tiles.
  init(_ shape: ConvolutionShape, _ direction: ConvolutionDirection, _ tiles: Int) {
    let weights = WinogradWeights(shape, direction, nil)
    let isPrepared = Winograd<T>.isPrepared(shape)
    self.tiles = min(tiles, Winograd<T>.blockTiles(weights.sources))
    zeros = WinogradWeights.scratch + T.roomCount
    zerosCount = 6 * weights.sources
    let groups = weights.sources / groupLanes
    v = zeros + zerosCount
    layout = TileLayout(
      products: T.products, channelStep: self.tiles * groupLanes, parts: groups,
      perPanel: isPrepared ? groups : Winograd<T>.depth / groupLanes)
    m = v + layout.count
    productStep = self.tiles * wide + 16
    u = m + T.products * productStep
    count = u + (isPrepared ? 0 : weights.blockStep(T.products, Winograd<T>.depth))
  }

  func clearedZeros(_ scratch: FloatsOut) -> FloatsIn {
    (scratch + zeros).update(repeating: 0, count: zerosCount)
    return FloatsIn(scratch + zeros)
  }
}

/// One pass.
private struct WinogradPass<T: WinogradTransform> {
  let grid: TileGrid
  let source: TileSource
  let target: TileTarget
  let weights: WinogradWeights
  let prepared: FloatsIn?
  let memory: PassMemory<T>
  let scratch: FloatsOut

  func run(_ tiles: Int) {
    let room = scratch + WinogradWeights.scratch
    let blocks = Partition(tiles, largest: memory.tiles)
    for block in 0..<blocks.parts {
      let first = blocks.start(block)
      let count = blocks.start(block + 1) - first
      TileRows<T, 0, 6>.transformInput(
        grid, source, first, count, memory.layout, scratch + memory.v, room: room)
      var channel = 0
      while channel < target.channels {
        let lanes = blockLanes(channel, target.channels)
        multiply(channel, lanes, count)
        var target = target
        target.start += channel
        target.bias = target.bias.map { $0 + channel }
        T.transformOutput(
          grid, first, count, FloatsIn(scratch + memory.m), memory.productStep, lanes, target,
          room: room)
        channel += lanes
      }
    }
  }

  /// M of the block of target channels at `channel`.
  private func multiply(_ channel: Int, _ lanes: Int, _ tiles: Int) {
    let v = memory.layout
    let groups = weights.sources / groupLanes
    var group = 0
    while group < groups {
      let some = min(v.perPanel, groups - group)
      var u = FloatsIn(scratch + memory.u)
      if let prepared {
        u = prepared + channel / wide * weights.blockStep(T.products, weights.sources)
      } else {
        weights.transform(
          T.self, channel, group * groupLanes, some * groupLanes, scratch + memory.u, scratch)
      }
      let step = weights.productStep(some * groupLanes, lanes)
      for xi in 0..<T.products {
        runWinograd(
          tiles, lanes,
          WinogradTask(
            count: some, a: FloatsIn(scratch + (memory.v + v.offset(group) + xi * v.productStep)),
            aStep: v.channelStep, b: u + xi * step,
            c: scratch + (memory.m + xi * memory.productStep), add: group > 0))
      }
      group += some
    }
  }
}
