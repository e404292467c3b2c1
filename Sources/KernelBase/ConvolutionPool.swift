// A network's first layer in one pass: 3x3 convolution of few channels, bias, ReLU and 2x2 max
// pooling. A pooling window sees a patch of 4 x 4 pixels; the nine weights of one register's worth
// of output channels stay in registers beside the window's four sums, so that 16 broadcasts serve
// 36 multiply-adds and the convolution's result never exists. Backward, the pooled gradient goes to
// one of the four places: four masked copies of it meet the same patch.
//
// NaN in weights or bias reaches every value it should; a NaN pixel reaches the windows that see
// nothing else, but may lose against a window's other numbers.

import CSIMD
import KernelABI

extension VectorKernels {
  /// 3x3, step 1, padding 0 or 1, at most four input channels, output channels a multiple of 16.
  public static func convolutionPoolSupports(_ shape: ConvolutionShape) -> Bool {
    shape.kernelHeight == 3 && shape.kernelWidth == 3 && shape.stride == 1
      && (0...1).contains(shape.padding) && (1...4).contains(shape.inputChannels)
      && shape.outputChannels > 0 && shape.outputChannels % 16 == 0
      && shape.height + 2 * shape.padding >= 4 && shape.width + 2 * shape.padding >= 4
  }

  /// Bound by multiplications: 36 per window, input channel and register of output channels.
  public static func convolutionPoolForward(
    _ shape: ConvolutionShape, x: FloatsIn, w: FloatsIn, bias: FloatsIn, y: FloatsOut,
    choice: UnsafeMutablePointer<UInt8>, scratch: FloatsOut
  ) {
    precondition(convolutionPoolSupports(shape), "ask convolutionPoolSupports first")
    let windows = PoolWindows(shape)
    for image in 0..<shape.batch {
      let pixels = windows.padded(x + image * shape.inputCount, scratch)
      let first = image * windows.rows * windows.columns * shape.outputChannels
      var channel = 0
      while channel < shape.outputChannels {
        let (to, picked) = (y + first + channel, choice + first + channel)
        switch shape.inputChannels {
        case 1: WindowTile<1>.forward(windows, pixels, w + channel, bias + channel, to, picked)
        case 2: WindowTile<2>.forward(windows, pixels, w + channel, bias + channel, to, picked)
        case 3: WindowTile<3>.forward(windows, pixels, w + channel, bias + channel, to, picked)
        default: WindowTile<4>.forward(windows, pixels, w + channel, bias + channel, to, picked)
        }
        channel += half
      }
    }
  }

  /// As many multiplications as the forward pass.
  public static func convolutionPoolBackwardWeights(
    _ shape: ConvolutionShape, x: FloatsIn, dy: FloatsIn, choice: UnsafePointer<UInt8>,
    dw: FloatsOut, dbias: FloatsOut, scratch: FloatsOut
  ) {
    precondition(convolutionPoolSupports(shape), "ask convolutionPoolSupports first")
    let windows = PoolWindows(shape)
    dw.update(repeating: 0, count: shape.weightCount)
    dbias.update(repeating: 0, count: shape.outputChannels)
    for image in 0..<shape.batch {
      let pixels = windows.padded(x + image * shape.inputCount, scratch)
      let first = image * windows.rows * windows.columns * shape.outputChannels
      var channel = 0
      while channel < shape.outputChannels {
        let (from, picked) = (dy + first + channel, choice + first + channel)
        switch shape.inputChannels {
        case 1: WindowTile<1>.backward(windows, pixels, from, picked, dw + channel, dbias + channel)
        case 2: WindowTile<2>.backward(windows, pixels, from, picked, dw + channel, dbias + channel)
        case 3: WindowTile<3>.backward(windows, pixels, from, picked, dw + channel, dbias + channel)
        default:
          WindowTile<4>.backward(windows, pixels, from, picked, dw + channel, dbias + channel)
        }
        channel += half
      }
    }
  }

  /// A padded image.
  static func convolutionPoolScratch(_ shape: ConvolutionShape) -> Int {
    shape.padding == 0
      ? 0 : (shape.height + 2) * (shape.width + 2) * shape.inputChannels + packingSlack
  }
}

/// The pooling windows of one image.
private struct PoolWindows {
  let shape: ConvolutionShape
  /// Rows and columns of windows.
  let rows: Int
  let columns: Int
  /// Floats per row of pixels, padding included.
  let line: Int

  init(_ shape: ConvolutionShape) {
    self.shape = shape
    (rows, columns) = (shape.outputHeight / 2, shape.outputWidth / 2)
    line = (shape.width + 2 * shape.padding) * shape.inputChannels
  }

  /// The image between rows and columns of zeros; itself without padding.
  func padded(_ image: FloatsIn, _ scratch: FloatsOut) -> FloatsIn {
    guard shape.padding == 1 else { return image }
    let (count, border) = (shape.width * shape.inputChannels, shape.inputChannels)
    scratch.update(repeating: 0, count: line)
    for row in 0..<shape.height {
      let to = scratch + (row + 1) * line
      to.update(repeating: 0, count: border)
      (to + border).update(from: image + row * count, count: count)
      (to + border + count).update(repeating: 0, count: border)
    }
    (scratch + (shape.height + 1) * line).update(repeating: 0, count: line)
    return FloatsIn(scratch)
  }
}

/// Windows over `C` input channels, for one register of output channels.
private struct WindowTile<let C: Int> {
  private typealias Taps = InlineArray<9, InlineArray<C, Half>>

  /// All windows of one image, two side by side: four sums alone would wait for each other.
  @inline(never)
  static func forward(
    _ t: PoolWindows, _ pixels: FloatsIn, _ w: FloatsIn, _ bias: FloatsIn, _ y: FloatsOut,
    _ choice: UnsafeMutablePointer<UInt8>
  ) {
    let outputs = t.shape.outputChannels
    let start = bias.half
    // Tap (i, j), channel c is number (i 3 + j) C + c; read once, as y might overlap for all LLVM
    // knows.
    let taps = Taps { tap in
      InlineArray<C, Half> { c in (w + (tap &* C &+ c) &* outputs).half }
    }
    var (y, choice) = (y, choice)
    for row in 0..<t.rows {
      var patch = pixels + 2 &* row &* t.line
      var column = 0
      while column &+ 2 <= t.columns {
        var sums = InlineArray<8, Half> { _ in start }
        accumulate(&sums, 2, patch, t.line, taps)
        store(sums, 0, y, choice)
        store(sums, 4, y + outputs, choice + outputs)
        y += 2 &* outputs
        choice += 2 &* outputs
        patch += 4 &* C
        column &+= 2
      }
      if column < t.columns {
        var sums = InlineArray<4, Half> { _ in start }
        accumulate(&sums, 1, patch, t.line, taps)
        store(sums, 0, y, choice)
        y += outputs
        choice += outputs
      }
    }
  }

  /// All taps of `windows` windows side by side, four sums each.
  @inline(__always)
  private static func accumulate<let N: Int>(
    _ sums: inout InlineArray<N, Half>, _ windows: Int, _ patch: FloatsIn, _ line: Int,
    _ taps: Taps
  ) {
    for c in 0..<C {
      for i in 0..<3 {
        for j in 0..<3 {
          let weight = taps[unchecked: i &* 3 &+ j][unchecked: c]
          for window in 0..<windows {
            let corner = patch + (i &* line &+ (j &+ 2 &* window) &* C &+ c)
            let k = 4 &* window
            sums[unchecked: k] = Half.fma(corner[0], weight, sums[unchecked: k])
            sums[unchecked: k &+ 1] = Half.fma(corner[C], weight, sums[unchecked: k &+ 1])
            sums[unchecked: k &+ 2] = Half.fma(corner[line], weight, sums[unchecked: k &+ 2])
            sums[unchecked: k &+ 3] = Half.fma(corner[line &+ C], weight, sums[unchecked: k &+ 3])
          }
        }
      }
    }
  }

  /// Writes the largest of four and where it lies. The first of equals wins.
  @inline(__always)
  private static func store<let N: Int>(
    _ sums: InlineArray<N, Half>, _ k: Int, _ y: FloatsOut, _ choice: UnsafeMutablePointer<UInt8>
  ) {
    let (s00, s01) = (sums[unchecked: k], sums[unchecked: k &+ 1])
    let (s10, s11) = (sums[unchecked: k &+ 2], sums[unchecked: k &+ 3])
    let (top, bottom) = (Half.max(s01, s00), Half.max(s11, s10))
    let right = csimd_greater(s01, s00)
    let below = csimd_select(
      csimd_greater(s11, s10), HalfIntegers(repeating: 3), HalfIntegers(repeating: 2))
    let lower = csimd_greater(bottom, top)
    let largest = Half.max(bottom, top)
    var place = csimd_select(lower, below, csimd_negated(right))
    place = csimd_select(
      csimd_at_most(largest, Half()), HalfIntegers(repeating: 4), place)
    Half.max(Half(), largest).store(y)
    UnsafeMutableRawPointer(choice).storeBytes(of: csimd_bytes(place), as: HalfBytes.self)
  }

  /// dw += the gradient of one image's windows, dbias likewise.
  @inline(never)
  static func backward(
    _ t: PoolWindows, _ pixels: FloatsIn, _ dy: FloatsIn, _ choice: UnsafePointer<UInt8>,
    _ dw: FloatsOut, _ dbias: FloatsOut
  ) {
    let outputs = t.shape.outputChannels
    for c in 0..<C {
      var sums = InlineArray<9, Half> { _ in Half() }
      var total = Half()
      var (dy, choice) = (dy, choice)
      for row in 0..<t.rows {
        var patch = pixels + (2 &* row &* t.line &+ c)
        for _ in 0..<t.columns {
          let gradient = dy.half
          let place = csimd_integers(
            UnsafeRawPointer(choice).loadUnaligned(as: HalfBytes.self))
          let d00 = only(gradient, place, 0)
          let d01 = only(gradient, place, 1)
          let d10 = only(gradient, place, 2)
          let d11 = only(gradient, place, 3)
          for i in 0..<3 {
            for j in 0..<3 {
              let corner = patch + (i &* t.line &+ j &* C)
              var s = sums[unchecked: i &* 3 &+ j]
              s = Half.fma(corner[0], d00, s)
              s = Half.fma(corner[C], d01, s)
              s = Half.fma(corner[t.line], d10, s)
              s = Half.fma(corner[t.line &+ C], d11, s)
              sums[unchecked: i &* 3 &+ j] = s
            }
          }
          let closed = csimd_equal(place, HalfIntegers(repeating: 4))
          total = Half.add(total, csimd_select(closed, Half(), gradient))
          dy += outputs
          choice += outputs
          patch += 2 &* C
        }
      }
      for k in 0..<9 {
        let to = dw + (k &* C &+ c) &* outputs
        Half.add(FloatsIn(to).half, sums[unchecked: k]).store(to)
      }
      if c == 0 { Half.add(FloatsIn(dbias).half, total).store(dbias) }
    }
  }

  /// The gradient where `place` is `p`, else 0.
  @inline(__always)
  private static func only(_ gradient: Half, _ place: HalfIntegers, _ p: Int32) -> Half {
    csimd_select(csimd_equal(place, HalfIntegers(repeating: p)), gradient, Half())
  }
}
