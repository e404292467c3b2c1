// Per-channel sums and maps by their definitions, in double precision.

import KernelABI

extension ScalarKernels {
  /// Sums of x - origin and of its square.
  public static func channelMoments(
    rows: Int, channels: Int, x: FloatsIn, origin: FloatsIn, sums: UnsafeMutablePointer<Double>
  ) {
    for place in 0..<rows * channels {
      let channel = place % channels
      let d = Double(x[place]) - Double(origin[channel])
      sums[channel] += d
      sums[channels + channel] += d * d
    }
  }

  /// y = x scale + offset [+ second] [then ReLU].
  public static func channelAffine(
    rows: Int, channels: Int, x: FloatsIn, scale: FloatsIn, offset: FloatsIn, second: FloatsIn?,
    relu: Bool, y: FloatsOut
  ) {
    for place in 0..<rows * channels {
      let value = affine(x, scale, offset, place, channels) + Double(second?[place] ?? 0)
      y[place] = relu ? rectified(Float(value)) : Float(value)
    }
  }

  private static func affine(
    _ x: FloatsIn, _ scale: FloatsIn, _ offset: FloatsIn, _ place: Int, _ channels: Int
  ) -> Double {
    Double(x[place]) * Double(scale[place % channels]) + Double(offset[place % channels])
  }

  /// Masks dy; sums of dy and of dy (x - origin).
  public static func channelGradientSums(
    rows: Int, channels: Int, x: FloatsIn, scale: FloatsIn, offset: FloatsIn, y: FloatsIn?,
    relu: Bool, origin: FloatsIn, dy: FloatsOut, sums: UnsafeMutablePointer<Double>
  ) {
    for place in 0..<rows * channels {
      let channel = place % channels
      let gate = y.map { Double($0[place]) } ?? affine(x, scale, offset, place, channels)
      if relu && !(gate > 0) { dy[place] = 0 }
      sums[channel] += Double(dy[place])
      sums[channels + channel] +=
        Double(dy[place]) * (Double(x[place]) - Double(origin[channel]))
    }
  }

  /// dx = a dy + b x + offset [+ dx].
  public static func channelCombine(
    rows: Int, channels: Int, dy: FloatsIn, x: FloatsIn, a: FloatsIn, b: FloatsIn, offset: FloatsIn,
    add: Bool, dx: FloatsOut
  ) {
    for place in 0..<rows * channels {
      let channel = place % channels
      let value =
        Double(a[channel]) * Double(dy[place]) + Double(b[channel]) * Double(x[place])
        + Double(offset[channel])
      dx[place] = Float(value + (add ? Double(dx[place]) : 0))
    }
  }

  /// Means over rows.
  public static func meanRows(images: Int, rows: Int, channels: Int, x: FloatsIn, y: FloatsOut) {
    for place in 0..<images * channels {
      let first = place / channels * rows * channels + place % channels
      let sum = (0..<rows).reduce(0.0) { $0 + Double(x[first + $1 * channels]) }
      y[place] = Float(sum / Double(rows))
    }
  }

  /// dy / rows, for every row.
  public static func meanRowsBackward(
    images: Int, rows: Int, channels: Int, dy: FloatsIn, add: Bool, dx: FloatsOut
  ) {
    for place in 0..<images * rows * channels {
      let part = dy[place / (rows * channels) * channels + place % channels] / Float(rows)
      dx[place] = add ? dx[place] + part : part
    }
  }
}
