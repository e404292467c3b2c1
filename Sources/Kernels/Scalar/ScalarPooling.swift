// Max and average pooling by their definitions. In max pooling NaN wins over every number, and the last NaN over earlier ones,
// as in PyTorch.

import KernelABI

extension ScalarKernels {
  /// One comparison per place of a window.
  public static func maxPoolingForward(
    _ shape: PoolingShape, x: FloatsIn, y: FloatsOut, choice: UnsafeMutablePointer<UInt8>
  ) {
    var to = 0
    forEachWindow(shape) { first in
      for channel in 0..<shape.channels {
        var (best, winner) = (x[first + channel], 0)
        for place in 1..<max(1, shape.window * shape.window) {
          let value = x[first + channel + offset(shape, place)]
          if value > best || value.isNaN { (best, winner) = (value, place) }
        }
        y[to] = best
        choice[to] = UInt8(winner)
        to += 1
      }
    }
  }

  /// One addition per window and channel.
  public static func maxPoolingBackward(
    _ shape: PoolingShape, dy: FloatsIn, choice: UnsafePointer<UInt8>, dx: FloatsOut
  ) {
    dx.update(repeating: 0, count: shape.batch * shape.height * shape.width * shape.channels)
    var from = 0
    forEachWindow(shape) { first in
      for channel in 0..<shape.channels {
        dx[first + channel + offset(shape, Int(choice[from]))] += dy[from]
        from += 1
      }
    }
  }

  /// One addition per place of a window.
  public static func averagePoolingForward(_ shape: PoolingShape, x: FloatsIn, y: FloatsOut) {
    let places = shape.window * shape.window
    var to = 0
    forEachWindow(shape) { first in
      for channel in 0..<shape.channels {
        y[to] =
          (0..<places).reduce(0) { $0 + x[first + channel + offset(shape, $1)] } / Float(places)
        to += 1
      }
    }
  }

  /// One addition per place of a window.
  public static func averagePoolingBackward(_ shape: PoolingShape, dy: FloatsIn, dx: FloatsOut) {
    let places = shape.window * shape.window
    dx.update(repeating: 0, count: shape.batch * shape.height * shape.width * shape.channels)
    var from = 0
    forEachWindow(shape) { first in
      for channel in 0..<shape.channels {
        for place in 0..<places {
          dx[first + channel + offset(shape, place)] += dy[from] / Float(places)
        }
        from += 1
      }
    }
  }

  /// Calls `body` with the first float of every window.
  @inline(__always)
  private static func forEachWindow(_ shape: PoolingShape, _ body: (Int) -> Void) {
    for image in 0..<shape.batch {
      for row in 0..<shape.outputHeight {
        for column in 0..<shape.outputWidth {
          let pixel = (image * shape.height + row * shape.stride) * shape.width
          body((pixel + column * shape.stride) * shape.channels)
        }
      }
    }
  }

  /// Floats from a window's first pixel to its place `place`.
  @inline(__always)
  private static func offset(_ shape: PoolingShape, _ place: Int) -> Int {
    (place / shape.window * shape.width + place % shape.window) * shape.channels
  }
}
