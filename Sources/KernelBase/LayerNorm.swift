// Layer normalisation. A row is read three times, from the first-level cache: mean, variance about
// the mean, result. The gradients of gain and bias are summed down columns over 32 rows at a time,
// which also keeps their rounding small.

import CSIMD
import KernelABI

/// Rows whose gradients of gain and bias are summed in registers.
private var normRows: Int { 32 }

extension VectorKernels {
  /// 8 bytes of traffic per element.
  public static func layerNormForward(
    _ shape: LayerNormShape, x: FloatsIn, gain: FloatsIn, bias: FloatsIn, y: FloatsOut,
    moments: FloatsOut
  ) {
    for row in 0..<shape.rows {
      let start = row &* shape.width
      let moment = normalise(shape, x + start, gain, bias, y + start)
      (moments[2 &* row], moments[2 &* row &+ 1]) = moment
    }
  }

  /// One row: y from x. Returns mean and 1 / deviation.
  @inline(__always)
  private static func normalise(
    _ shape: LayerNormShape, _ x: FloatsIn, _ gain: FloatsIn, _ bias: FloatsIn, _ y: FloatsOut
  ) -> (Float, Float) {
    let share = 1 / Float(shape.width)
    var sum = Wide()
    forEachWide(shape.width) { i, lanes in sum = csimd_add(sum, x[i, lanes]) }
    let mean = csimd_sum(sum) * share
    let center = Wide(repeating: mean)
    var squares = Wide()
    forEachWide(shape.width) { i, lanes in
      y[i, lanes] = csimd_subtract(x[i, lanes], center)
      // Read back, because lanes beyond the row must count as zero.
      let distance = y[i, lanes]
      squares = csimd_fma(distance, distance, squares)
    }
    let variance = csimd_sum(squares) * share
    // As a vector, because the scalar root would be a call where x is negative.
    let inverse = 1 / csimd_sqrt(SIMD4<Float>(repeating: variance + shape.epsilon))[0]
    let factor = Wide(repeating: inverse)
    forEachWide(shape.width) { i, lanes in
      y[i, lanes] = csimd_fma(
        csimd_multiply(y[i, lanes], factor), gain[i, lanes], bias[i, lanes])
    }
    return (mean, inverse)
  }

  /// 12 bytes of traffic per element.
  public static func layerNormBackward(
    _ shape: LayerNormShape, x: FloatsIn, gain: FloatsIn, moments: FloatsIn, dy: FloatsIn,
    dx: FloatsOut, dgain: FloatsOut, dbias: FloatsOut, accumulate: Bool
  ) {
    let width = shape.width
    if !accumulate {
      dgain.update(repeating: 0, count: width)
      dbias.update(repeating: 0, count: width)
    }
    var row = 0
    while row < shape.rows {
      let end = min(row &+ normRows, shape.rows)
      // Before dx, which may overwrite dy.
      forEachWide(width) { i, lanes in
        var (gains, biases) = (Wide(), Wide())
        for r in row..<end {
          let moment = moments + 2 &* r
          let gradient = (dy + r &* width)[i, lanes]
          let value = normal((x + r &* width)[i, lanes], moment)
          gains = csimd_fma(gradient, value, gains)
          biases = csimd_add(gradient, biases)
        }
        dgain[i, lanes] = csimd_add(dgain[i, lanes], gains)
        dbias[i, lanes] = csimd_add(dbias[i, lanes], biases)
      }
      for r in row..<end {
        differentiate(
          width, x + r &* width, gain, moments + 2 &* r, dy + r &* width, dx + r &* width)
      }
      row = end
    }
  }

  /// (x - mean) / deviation.
  @inline(__always)
  private static func normal(_ x: Wide, _ moment: FloatsIn) -> Wide {
    csimd_multiply(csimd_subtract(x, Wide(repeating: moment[0])), Wide(repeating: moment[1]))
  }

  /// One row: dx = (g - mean(g) - n mean(g n)) / deviation for g = dy gain, n the normalised x.
  @inline(__always)
  private static func differentiate(
    _ width: Int, _ x: FloatsIn, _ gain: FloatsIn, _ moment: FloatsIn, _ dy: FloatsIn,
    _ dx: FloatsOut
  ) {
    var (sum, product) = (Wide(), Wide())
    forEachWide(width) { i, lanes in
      let g = csimd_multiply(dy[i, lanes], gain[i, lanes])
      sum = csimd_add(sum, g)
      product = csimd_fma(g, normal(x[i, lanes], moment), product)
    }
    let share = 1 / Float(width)
    let mean = Wide(repeating: csimd_sum(sum) * share)
    let slope = -csimd_sum(product) * share
    let inverse = Wide(repeating: moment[1])
    forEachWide(width) { i, lanes in
      let g = csimd_multiply(dy[i, lanes], gain[i, lanes])
      let rest = csimd_fma(slope, normal(x[i, lanes], moment), csimd_subtract(g, mean))
      dx[i, lanes] = csimd_multiply(rest, inverse)
    }
  }
}
