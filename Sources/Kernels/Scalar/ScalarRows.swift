// Layer normalisation and embeddings by their definitions, in double precision.

import KernelABI

extension ScalarKernels {
  /// y = (x - mean) / sqrt(variance + epsilon) * gain + bias.
  public static func layerNormForward(
    _ shape: LayerNormShape, x: FloatsIn, gain: FloatsIn, bias: FloatsIn, y: FloatsOut,
    moments: FloatsOut
  ) {
    let width = shape.width
    for row in 0..<shape.rows {
      let start = row * width
      var (sum, squares) = (0.0, 0.0)
      for i in start..<start + width { sum += Double(x[i]) }
      let mean = sum / Double(width)
      for i in start..<start + width {
        squares += (Double(x[i]) - mean) * (Double(x[i]) - mean)
      }
      let inverse = 1 / (squares / Double(width) + Double(shape.epsilon)).squareRoot()
      for i in 0..<width {
        let normal = (Double(x[start + i]) - mean) * inverse
        y[start + i] = Float(normal * Double(gain[i]) + Double(bias[i]))
      }
      (moments[2 * row], moments[2 * row + 1]) = (Float(mean), Float(inverse))
    }
  }

  /// dx = (g - mean(g) - n mean(g n)) / deviation for g = dy gain, n the normalised x;
  /// dgain = sum of dy n, dbias = sum of dy.
  public static func layerNormBackward(
    _ shape: LayerNormShape, x: FloatsIn, gain: FloatsIn, moments: FloatsIn, dy: FloatsIn,
    dx: FloatsOut, dgain: FloatsOut, dbias: FloatsOut, accumulate: Bool
  ) {
    let width = shape.width
    func normal(_ row: Int, _ i: Int) -> Double {
      (Double(x[row * width + i]) - Double(moments[2 * row])) * Double(moments[2 * row + 1])
    }
    for i in 0..<width {
      var (gains, biases) = (0.0, 0.0)
      for row in 0..<shape.rows {
        gains += Double(dy[row * width + i]) * normal(row, i)
        biases += Double(dy[row * width + i])
      }
      dgain[i] = Float(gains + (accumulate ? Double(dgain[i]) : 0))
      dbias[i] = Float(biases + (accumulate ? Double(dbias[i]) : 0))
    }
    for row in 0..<shape.rows {
      func g(_ i: Int) -> Double { Double(dy[row * width + i]) * Double(gain[i]) }
      var (sum, product) = (0.0, 0.0)
      for i in 0..<width {
        sum += g(i)
        product += g(i) * normal(row, i)
      }
      for i in 0..<width {
        let rest = g(i) - sum / Double(width) - normal(row, i) * product / Double(width)
        dx[row * width + i] = Float(rest * Double(moments[2 * row + 1]))
      }
    }
  }

  /// One row after the other.
  public static func gatherRows(
    _ count: Int, width: Int, symbols: Int, indices: UnsafePointer<Int32>, table: FloatsIn,
    y: FloatsOut
  ) {
    for i in 0..<count {
      let index = Int(indices[i])
      precondition(index >= 0 && index < symbols, "an index must be a row of the table")
      for j in 0..<width { y[i * width + j] = table[index * width + j] }
    }
  }

  /// One row after the other.
  public static func scatterAddRows(
    _ count: Int, width: Int, symbols: Int, indices: UnsafePointer<Int32>, dy: FloatsIn,
    dtable: FloatsOut
  ) {
    for i in 0..<count {
      let index = Int(indices[i])
      precondition(index >= 0 && index < symbols, "an index must be a row of the table")
      for j in 0..<width { dtable[index * width + j] += dy[i * width + j] }
    }
  }
}
