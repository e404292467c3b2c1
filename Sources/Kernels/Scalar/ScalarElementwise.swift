// Maps and sums over vectors, one element at a time.

import KernelABI

extension ScalarKernels {
  /// y = x > 0 ? x : slope x.
  public static func leakyReLU(_ count: Int, slope: Float, x: FloatsIn, y: FloatsOut) {
    for i in 0..<count { y[i] = x[i] > 0 ? x[i] : slope * x[i] }
  }

  /// dx = y > 0 ? dy : slope dy.
  public static func leakyReLUBackward(
    _ count: Int, slope: Float, y: FloatsIn, dy: FloatsIn, dx: FloatsOut
  ) {
    for i in 0..<count { dx[i] = y[i] > 0 ? dy[i] : slope * dy[i] }
  }

  /// y *= x.
  public static func multiply(_ count: Int, x: FloatsIn, y: FloatsOut) {
    for i in 0..<count { y[i] *= x[i] }
  }

  /// y += x.
  public static func add(_ count: Int, x: FloatsIn, y: FloatsOut) {
    for i in 0..<count { y[i] += x[i] }
  }

  /// Every y = sum over the x.
  public static func sumVectors(
    _ count: Int, x: UnsafePointer<FloatsOut>, over: Int, y: UnsafePointer<FloatsOut>, into: Int
  ) {
    for i in 0..<count {
      var sum = x[0][i]
      for k in 1..<over { sum += x[k][i] }
      for k in 0..<into { y[k][i] = sum }
    }
  }

  /// y += factor * x.
  public static func addScaled(_ count: Int, factor: Float, x: FloatsIn, y: FloatsOut) {
    for i in 0..<count { y[i] += factor * x[i] }
  }

  /// y = factor * y.
  public static func scale(_ count: Int, factor: Float, y: FloatsOut) {
    for i in 0..<count { y[i] *= factor }
  }

  /// Sums in double precision.
  public static func sumRows(rows: Int, columns: Int, x: FloatsIn, add: Bool, y: FloatsOut) {
    for column in 0..<columns {
      var sum = add ? Double(y[column]) : 0
      for row in 0..<rows { sum += Double(x[row * columns + column]) }
      y[column] = Float(sum)
    }
  }

  /// In double precision.
  public static func sumOfSquares(_ count: Int, x: FloatsIn) -> Double { dot(count, x: x, y: x) }

  /// In double precision.
  public static func dot(_ count: Int, x: FloatsIn, y: FloatsIn) -> Double {
    var sum = 0.0
    for i in 0..<count { sum += Double(x[i]) * Double(y[i]) }
    return sum
  }

  /// y = scale * byte + offset.
  public static func convertBytes(
    _ count: Int, bytes: UnsafePointer<UInt8>, scale: Float, offset: Float, y: FloatsOut
  ) {
    for i in 0..<count { y[i] = scale * Float(bytes[i]) + offset }
  }
}
