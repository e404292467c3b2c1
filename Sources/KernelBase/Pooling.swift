// Max and average pooling of NHWC images: lanes are channels, so that a window is a handful of vector loads.

import CSIMD
import KernelABI

extension VectorKernels {
  /// One comparison per place of a window; the last NaN of a window wins.
  public static func maxPoolingForward(
    _ shape: PoolingShape, x: FloatsIn, y: FloatsOut, choice: UnsafeMutablePointer<UInt8>
  ) {
    forEachWindow(shape) { from, to in
      forEachWide(shape.channels) { channel, lanes in
        var best = (x + from)[channel, lanes]
        var winner = WideIntegers()
        var place: Int32 = 0
        for i in 0..<shape.window {
          for j in 0..<shape.window {
            let value = (x + (from + (i &* shape.width &+ j) &* shape.channels))[channel, lanes]
            let wins = csimd_greater_or_nan(value, best)
            best = csimd_select(wins, value, best)
            winner = csimd_select(wins, WideIntegers(repeating: place), winner)
            place &+= 1
          }
        }
        (y + to)[channel, lanes] = best
        storeBytes(choice + (to &+ channel), lanes, csimd_bytes(winner))
      }
    }
  }

  /// One comparison per place of a window. Windows that do not overlap write dx once.
  public static func maxPoolingBackward(
    _ shape: PoolingShape, dy: FloatsIn, choice: UnsafePointer<UInt8>, dx: FloatsOut
  ) {
    let overlaps = clear(dx, shape)
    forEachWindow(shape) { to, from in
      forEachWide(shape.channels) { channel, lanes in
        let gradient = (dy + from)[channel, lanes]
        let winner = csimd_integers(loadBytes(choice + (from &+ channel), lanes))
        var place: Int32 = 0
        for i in 0..<shape.window {
          for j in 0..<shape.window {
            let target = dx + (to + (i &* shape.width &+ j) &* shape.channels)
            let won = csimd_equal(winner, WideIntegers(repeating: place))
            let part = csimd_select(won, gradient, Wide())
            target[channel, lanes] = overlaps ? csimd_add(target[channel, lanes], part) : part
            place &+= 1
          }
        }
      }
    }
  }

  /// One addition per place of a window.
  public static func averagePoolingForward(_ shape: PoolingShape, x: FloatsIn, y: FloatsOut) {
    let share = Wide(repeating: 1 / Float(shape.window * shape.window))
    forEachWindow(shape) { from, to in
      forEachWide(shape.channels) { channel, lanes in
        var sum = Wide()
        for i in 0..<shape.window {
          for j in 0..<shape.window {
            let place = x + (from + (i &* shape.width &+ j) &* shape.channels)
            sum = csimd_add(sum, place[channel, lanes])
          }
        }
        (y + to)[channel, lanes] = csimd_multiply(sum, share)
      }
    }
  }

  /// One multiplication per window. Windows that do not overlap write dx once.
  public static func averagePoolingBackward(_ shape: PoolingShape, dy: FloatsIn, dx: FloatsOut) {
    let share = Wide(repeating: 1 / Float(shape.window * shape.window))
    let overlaps = clear(dx, shape)
    forEachWindow(shape) { to, from in
      forEachWide(shape.channels) { channel, lanes in
        let part = csimd_multiply((dy + from)[channel, lanes], share)
        for i in 0..<shape.window {
          for j in 0..<shape.window {
            let target = dx + (to + (i &* shape.width &+ j) &* shape.channels)
            target[channel, lanes] = overlaps ? csimd_add(target[channel, lanes], part) : part
          }
        }
      }
    }
  }

  /// Clears `dx` where windows do not cover all of it, or add up.
  ///
  /// - Returns: whether windows overlap.
  private static func clear(_ dx: FloatsOut, _ shape: PoolingShape) -> Bool {
    let covers =
      shape.stride == shape.window && shape.height % shape.window == 0
      && shape.width % shape.window == 0
    if !covers {
      dx.update(
        repeating: 0, count: shape.batch * shape.height * shape.width * shape.channels)
    }
    return shape.stride < shape.window
  }

  /// Calls `body` with the first float of every window in the image and in the result.
  @inline(__always)
  private static func forEachWindow(_ shape: PoolingShape, _ body: (Int, Int) -> Void) {
    var to = 0
    for image in 0..<shape.batch {
      for row in 0..<shape.outputHeight {
        let pixel = (image * shape.height + row * shape.stride) * shape.width
        for column in 0..<shape.outputWidth {
          body((pixel + column &* shape.stride) &* shape.channels, to)
          to &+= shape.channels
        }
      }
    }
  }
}

/// Writes the first `lanes` bytes.
@inline(__always)
func storeBytes(_ p: UnsafeMutablePointer<UInt8>, _ lanes: Int, _ bytes: WideBytes) {
  if lanes == wide {
    UnsafeMutableRawPointer(p).storeBytes(of: bytes, as: WideBytes.self)
  } else {
    csimd_store(p, lanes, bytes)
  }
}
