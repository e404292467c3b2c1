// Convolution of NHWC images by its definition (a cross-correlation, as in every framework):
// y[n, r, c, o] = sum over i, j, ci of x[n, r S + i - P, c S + j - P, ci] w[i, j, ci, o].

import KernelABI

extension ConvolutionShape {
  /// Calls `body(x pixel, y pixel, tap)` for every product of pixels that a weight takes part in,
  /// with pixel numbers over the whole batch and tap = row of the kernel * its width + column.
  @inline(__always)
  fileprivate func forEachProduct(_ body: (Int, Int, Int) -> Void) {
    for image in 0..<batch {
      for row in 0..<outputHeight {
        for column in 0..<outputWidth {
          forEachTap(image, row, column) { x, tap in
            body(x, (image * outputHeight + row) * outputWidth + column, tap)
          }
        }
      }
    }
  }

  /// Calls `body(x pixel, tap)` for the taps of one place that fall inside the image.
  @inline(__always)
  func forEachTap(_ image: Int, _ row: Int, _ column: Int, _ body: (Int, Int) -> Void) {
    for i in 0..<kernelHeight {
      let h = row * stride + i - padding
      guard h >= 0 && h < height else { continue }
      for j in 0..<kernelWidth {
        let v = column * stride + j - padding
        guard v >= 0 && v < width else { continue }
        body((image * height + h) * width + v, i * kernelWidth + j)
      }
    }
  }

  /// The convolution's value at one place for output channel `o`, without bias.
  @inline(__always)
  func value(_ image: Int, _ row: Int, _ column: Int, _ o: Int, _ x: FloatsIn, _ w: FloatsIn)
    -> Double
  {
    var sum = 0.0
    forEachTap(image, row, column) { pixel, tap in
      let from = x + pixel * inputChannels
      let weights = w + tap * inputChannels * outputChannels + o
      for ci in 0..<inputChannels {
        sum += Double(from[ci]) * Double(weights[ci * outputChannels])
      }
    }
    return sum
  }
}

// Every method computes the same numbers; here all do it by the definition.
extension ScalarKernels {
  /// Zero: weights are read where they lie.
  public static func convolutionPreparedCount(
    _ shape: ConvolutionShape, _ direction: ConvolutionDirection
  ) -> Int { 0 }

  /// Nothing to do.
  public static func convolutionPrepare(
    _ shape: ConvolutionShape, _ direction: ConvolutionDirection, w: FloatsIn,
    prepared: FloatsOut, scratch: FloatsOut
  ) {}

  /// Zero.
  public static func convolutionScratch(_ shape: ConvolutionShape) -> Int { 0 }

  /// Sums in double precision.
  public static func convolutionForward(
    _ shape: ConvolutionShape, x: FloatsIn, w: FloatsIn, prepared: FloatsIn, bias: FloatsIn?,
    relu: Bool, y: FloatsOut, scratch: FloatsOut
  ) {
    var to = y
    for image in 0..<shape.batch {
      for row in 0..<shape.outputHeight {
        for column in 0..<shape.outputWidth {
          for o in 0..<shape.outputChannels {
            let value = Float(
              shape.value(image, row, column, o, x, w) + Double(bias?[o] ?? 0))
            to[o] = relu ? rectified(value) : value
          }
          to += shape.outputChannels
        }
      }
    }
  }

  /// Each product over output channels is summed in double precision, then added to dx.
  public static func convolutionBackwardData(
    _ shape: ConvolutionShape, dy: FloatsIn, w: FloatsIn, prepared: FloatsIn, dx: FloatsOut,
    add: Bool, scratch: FloatsOut
  ) {
    let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
    if !add { dx.update(repeating: 0, count: shape.batch * shape.inputCount) }
    shape.forEachProduct { xPixel, yPixel, tap in
      let gradient = dy + yPixel * outputs
      for ci in 0..<inputs {
        let weights = w + (tap * inputs + ci) * outputs
        var sum = 0.0
        for o in 0..<outputs { sum += Double(gradient[o]) * Double(weights[o]) }
        dx[xPixel * inputs + ci] += Float(sum)
      }
    }
  }

  /// Each call's share of a weight's gradient is one sum in double precision.
  public static func convolutionBackwardWeights(
    _ shape: ConvolutionShape, x: FloatsIn, dy: FloatsIn, dw: FloatsOut, dbias: FloatsOut?,
    add: Bool, scratch: FloatsOut
  ) {
    gradientOfWeights(shape, x, dw, dbias, add: add) { image, row, column, o in
      dy[
        ((image * shape.outputHeight + row) * shape.outputWidth + column) * shape.outputChannels
          + o]
    }
  }

  /// The gradient of weights and bias, where `dy(image, row, column, o)` is the convolution's
  /// gradient.
  @inline(__always)
  private static func gradientOfWeights(
    _ shape: ConvolutionShape, _ x: FloatsIn, _ dw: FloatsOut, _ dbias: FloatsOut?,
    add: Bool = false, _ dy: (Int, Int, Int, Int) -> Float
  ) {
    let outputs = shape.outputChannels
    if !add {
      dw.update(repeating: 0, count: shape.weightCount)
      dbias?.update(repeating: 0, count: outputs)
    }
    for o in 0..<outputs {
      for i in 0..<shape.kernelHeight {
        for j in 0..<shape.kernelWidth {
          for ci in 0..<shape.inputChannels {
            var sum = 0.0
            for image in 0..<shape.batch {
              for row in 0..<shape.outputHeight {
                let h = row * shape.stride + i - shape.padding
                guard h >= 0 && h < shape.height else { continue }
                for column in 0..<shape.outputWidth {
                  let v = column * shape.stride + j - shape.padding
                  guard v >= 0 && v < shape.width else { continue }
                  let pixel = (image * shape.height + h) * shape.width + v
                  sum +=
                    Double(x[pixel * shape.inputChannels + ci])
                    * Double(dy(image, row, column, o))
                }
              }
            }
            dw[((i * shape.kernelWidth + j) * shape.inputChannels + ci) * outputs + o] += Float(sum)
          }
        }
      }
      guard let dbias else { continue }
      var sum = 0.0
      for image in 0..<shape.batch {
        for row in 0..<shape.outputHeight {
          for column in 0..<shape.outputWidth { sum += Double(dy(image, row, column, o)) }
        }
      }
      dbias[o] += Float(sum)
    }
  }

  /// Any shape.
  public static func convolutionPoolSupports(_ shape: ConvolutionShape) -> Bool { true }

  /// The four values of each window are computed one after the other.
  public static func convolutionPoolForward(
    _ shape: ConvolutionShape, x: FloatsIn, w: FloatsIn, bias: FloatsIn, y: FloatsOut,
    choice: UnsafeMutablePointer<UInt8>, scratch: FloatsOut
  ) {
    var place = 0
    for image in 0..<shape.batch {
      for row in 0..<shape.outputHeight / 2 {
        for column in 0..<shape.outputWidth / 2 {
          for o in 0..<shape.outputChannels {
            var (best, winner) = (-Float.infinity, 0)
            for p in 0..<4 {
              let value = Float(
                shape.value(image, 2 * row + p / 2, 2 * column + p % 2, o, x, w) + Double(bias[o]))
              if value > best || value.isNaN { (best, winner) = (value, p) }
            }
            y[place] = best <= 0 ? 0 : best
            choice[place] = best <= 0 ? 4 : UInt8(winner)
            place += 1
          }
        }
      }
    }
  }

  /// The pooled gradient is looked up where `choice` says that it came from.
  public static func convolutionPoolBackwardWeights(
    _ shape: ConvolutionShape, x: FloatsIn, dy: FloatsIn, choice: UnsafePointer<UInt8>,
    dw: FloatsOut, dbias: FloatsOut, scratch: FloatsOut
  ) {
    let (rows, columns) = (shape.outputHeight / 2, shape.outputWidth / 2)
    gradientOfWeights(shape, x, dw, dbias) { image, row, column, o in
      guard row / 2 < rows && column / 2 < columns else { return 0 }
      let place = ((image * rows + row / 2) * columns + column / 2) * shape.outputChannels + o
      return choice[place] == row % 2 * 2 + column % 2 ? dy[place] : 0
    }
  }
}
