// Per-channel sums and maps. Lanes are channels; a vector of coefficients stays in registers while
// some dozens of rows pass, few enough to stay in the first-level cache until the next channels'
// turn. Sums of these rows are formed in single precision and added up in double precision.

import CSIMD
import KernelABI

/// Rows that pass at a time.
private var rowsPerTurn: Int { 64 }

/// A vector's worth of channels of some rows.
private struct ChannelBlock {
  var rows: Int
  /// Floats from one row to the next, the block's first channel, and how many count.
  var channels: Int
  var channel: Int
  var count: Int

  @inline(__always)
  func load<V: Vector>(_ p: FloatsIn, _ v: V.Type) -> V {
    count == V.lanes ? V.load(p) : V.load(p, count)
  }

  @inline(__always)
  func store<V: Vector>(_ value: V, _ p: FloatsOut) {
    if count == V.lanes { value.store(p) } else { value.store(p, count) }
  }

  /// sums[lane] += value.
  @inline(__always)
  func add<V: Vector>(_ value: V, _ sums: UnsafeMutablePointer<Double>) {
    withUnsafePointer(to: value) {
      let lanes = UnsafeRawPointer($0).assumingMemoryBound(to: Float.self)
      for lane in 0..<count { sums[channel &+ lane] += Double(lanes[lane]) }
    }
  }
}

/// What is done with a block, for any width of vector.
private protocol ChannelTask {
  func run<V: Vector>(_ block: ChannelBlock, _ first: Int, _ v: V.Type)
}

/// Lets `task` go over all rows and channels.
@inline(__always)
private func forEachBlock<Task: ChannelTask>(_ rows: Int, _ channels: Int, _ task: Task) {
  var row = 0
  while row < rows {
    let count = min(rowsPerTurn, rows &- row)
    var channel = 0
    while channel < channels {
      let left = channels &- channel
      var block = ChannelBlock(rows: count, channels: channels, channel: channel, count: left)
      if left >= wide {
        block.count = wide
        task.run(block, row, Wide.self)
      } else if left >= half {
        block.count = half
        task.run(block, row, Half.self)
      } else {
        task.run(block, row, Half.self)
      }
      channel &+= block.count
    }
    row &+= count
  }
}

private struct Moments: ChannelTask {
  var x: FloatsIn
  var origin: FloatsIn
  var sums: UnsafeMutablePointer<Double>
  var squares: UnsafeMutablePointer<Double>

  @inline(__always)
  func run<V: Vector>(_ block: ChannelBlock, _ first: Int, _ v: V.Type) {
    let center = block.load(origin + block.channel, v)
    var (sum, square, otherSum, otherSquare) = (V(), V(), V(), V())
    var p = x + (first &* block.channels &+ block.channel)
    var row = 0
    while row &+ 2 <= block.rows {
      let d = V.subtract(block.load(p, v), center)
      let e = V.subtract(block.load(p + block.channels, v), center)
      sum = V.add(sum, d)
      otherSum = V.add(otherSum, e)
      square = V.fma(d, d, square)
      otherSquare = V.fma(e, e, otherSquare)
      p += 2 &* block.channels
      row &+= 2
    }
    if row < block.rows {
      let d = V.subtract(block.load(p, v), center)
      sum = V.add(sum, d)
      square = V.fma(d, d, square)
    }
    block.add(V.add(sum, otherSum), sums)
    block.add(V.add(square, otherSquare), squares)
  }
}

private struct Affine: ChannelTask {
  var x: FloatsIn
  var scale: FloatsIn
  var offset: FloatsIn
  var second: FloatsIn?
  var relu: Bool
  var y: FloatsOut

  @inline(__always)
  func run<V: Vector>(_ block: ChannelBlock, _ first: Int, _ v: V.Type) {
    let a = block.load(scale + block.channel, v), b = block.load(offset + block.channel, v)
    var place = first &* block.channels &+ block.channel
    for _ in 0..<block.rows {
      var value = V.fma(block.load(x + place, v), a, b)
      if let second { value = V.add(value, block.load(second + place, v)) }
      if relu { value = V.max(V(), value) }
      block.store(value, y + place)
      place &+= block.channels
    }
  }
}

private struct GradientSums: ChannelTask {
  var x: FloatsIn
  var scale: FloatsIn
  var offset: FloatsIn
  var y: FloatsIn?
  var relu: Bool
  var origin: FloatsIn
  var dy: FloatsOut
  var sums: UnsafeMutablePointer<Double>
  var products: UnsafeMutablePointer<Double>

  @inline(__always)
  func run<V: Vector>(_ block: ChannelBlock, _ first: Int, _ v: V.Type) {
    let a = block.load(scale + block.channel, v), b = block.load(offset + block.channel, v)
    let center = block.load(origin + block.channel, v)
    var (sum, product) = (V(), V())
    var place = first &* block.channels &+ block.channel
    for _ in 0..<block.rows {
      let value = block.load(x + place, v)
      var gradient = block.load(FloatsIn(dy + place), v)
      if relu {
        let gate = y.map { block.load($0 + place, v) } ?? V.fma(value, a, b)
        gradient = V.keep(gradient, where: gate)
        block.store(gradient, dy + place)
      }
      sum = V.add(sum, gradient)
      product = V.fma(gradient, V.subtract(value, center), product)
      place &+= block.channels
    }
    block.add(sum, sums)
    block.add(product, products)
  }
}

private struct Combine: ChannelTask {
  var dy: FloatsIn
  var x: FloatsIn
  var a: FloatsIn
  var b: FloatsIn
  var offset: FloatsIn
  var add: Bool
  var dx: FloatsOut

  @inline(__always)
  func run<V: Vector>(_ block: ChannelBlock, _ first: Int, _ v: V.Type) {
    let a = block.load(a + block.channel, v), b = block.load(b + block.channel, v)
    let c = block.load(offset + block.channel, v)
    var place = first &* block.channels &+ block.channel
    for _ in 0..<block.rows {
      var value = V.fma(block.load(x + place, v), b, c)
      value = V.fma(block.load(dy + place, v), a, value)
      if add { value = V.add(value, block.load(FloatsIn(dx + place), v)) }
      block.store(value, dx + place)
      place &+= block.channels
    }
  }
}

extension VectorKernels {
  /// 4 bytes of traffic per number.
  public static func channelMoments(
    rows: Int, channels: Int, x: FloatsIn, origin: FloatsIn, sums: UnsafeMutablePointer<Double>
  ) {
    forEachBlock(
      rows, channels, Moments(x: x, origin: origin, sums: sums, squares: sums + channels))
  }

  /// 8 bytes of traffic per number, 12 with a second input.
  public static func channelAffine(
    rows: Int, channels: Int, x: FloatsIn, scale: FloatsIn, offset: FloatsIn, second: FloatsIn?,
    relu: Bool, y: FloatsOut
  ) {
    forEachBlock(
      rows, channels,
      Affine(x: x, scale: scale, offset: offset, second: second, relu: relu, y: y))
  }

  /// 8 bytes of traffic per number, with ReLU 12, with y 16.
  public static func channelGradientSums(
    rows: Int, channels: Int, x: FloatsIn, scale: FloatsIn, offset: FloatsIn, y: FloatsIn?,
    relu: Bool, origin: FloatsIn, dy: FloatsOut, sums: UnsafeMutablePointer<Double>
  ) {
    forEachBlock(
      rows, channels,
      GradientSums(
        x: x, scale: scale, offset: offset, y: y, relu: relu, origin: origin, dy: dy, sums: sums,
        products: sums + channels))
  }

  /// 12 bytes of traffic per number, 16 where it adds.
  public static func channelCombine(
    rows: Int, channels: Int, dy: FloatsIn, x: FloatsIn, a: FloatsIn, b: FloatsIn, offset: FloatsIn,
    add: Bool, dx: FloatsOut
  ) {
    forEachBlock(
      rows, channels, Combine(dy: dy, x: x, a: a, b: b, offset: offset, add: add, dx: dx))
  }

  /// 4 bytes of traffic per number.
  public static func meanRows(images: Int, rows: Int, channels: Int, x: FloatsIn, y: FloatsOut) {
    for image in 0..<images {
      sumRows(
        rows: rows, columns: channels, x: x + image &* rows &* channels, add: false,
        y: y + image &* channels)
    }
    scale(images &* channels, factor: 1 / Float(rows), y: y)
  }

  /// 4 bytes of traffic per number, 8 where it adds.
  public static func meanRowsBackward(
    images: Int, rows: Int, channels: Int, dy: FloatsIn, add: Bool, dx: FloatsOut
  ) {
    let factor = 1 / Float(rows)
    for image in 0..<images {
      let from = dy + image &* channels
      for row in 0..<rows {
        let to = dx + (image &* rows &+ row) &* channels
        forEachWide(channels) { channel, lanes in
          let part = csimd_multiply(Wide(repeating: factor), from[channel, lanes])
          to[channel, lanes] = add ? csimd_add(to[channel, lanes], part) : part
        }
      }
    }
  }
}
