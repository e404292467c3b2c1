// The ways to compute a convolution, and the fixed rule that picks one of them. Winograd's minimal
// filtering F(m x m, 3x3) multiplies (m + 2)^2 numbers per tile of m x m results and channel pair
// instead of 9 m^2 (Lavin and Gray: "Fast algorithms for convolutional neural networks", 2016).

/// How a convolution is computed.
public enum ConvolutionMethod: String, Sendable, CaseIterable {
  /// By its definition: 9 multiplications per result and pair of channels, for a 3x3 kernel.
  case direct
  /// Winograd's F(2x2, 3x3), points 0, ±1: 4 multiplications, as exact as `direct`.
  case f2
  /// Winograd's F(4x4, 3x3), points 0, ±3/4, ±3/2: 2.25 multiplications, errors of 1e-6 to 5e-6 of
  /// the largest result (the textbook's points 0, ±1, ±2 lose four times as much).
  case f4

  /// Rows and columns of a tile of results; 1 for `direct`.
  @inlinable public var tile: Int {
    switch self {
    case .direct: 1
    case .f2: 2
    case .f4: 4
    }
  }
}

/// The passes that a convolution's weights can be prepared for.
public enum ConvolutionDirection: Sendable, CaseIterable {
  /// y from x.
  case forward
  /// dx from dy.
  case backwardData
}

extension ConvolutionShape {
  /// Whether the kernels can compute this convolution by `method`: anything directly; with
  /// Winograd's algorithms 3x3 kernels of step 1 between channels in multiples of 16.
  public func supports(_ method: ConvolutionMethod) -> Bool {
    method == .direct
      || kernelHeight == 3 && kernelWidth == 3 && stride == 1 && (0...2).contains(padding)
        && inputChannels > 0 && inputChannels % 16 == 0
        && outputChannels > 0 && outputChannels % 16 == 0
        && outputHeight > 0 && outputWidth > 0
  }

  /// Multiplications per image and pair of channels, for a 3x3 kernel: whole tiles, or the taps that
  /// fall inside of the image.
  fileprivate func multiplications(_ method: ConvolutionMethod) -> Int {
    let side = method.tile
    guard method != .direct else { return tapsInside(height) * tapsInside(width) }
    let rows = (outputHeight + side - 1) / side
    let columns = (outputWidth + side - 1) / side
    return rows * columns * (side + 2) * (side + 2)
  }

  /// Taps inside of the image over all places along an axis of `extent` pixels.
  private func tapsInside(_ extent: Int) -> Int {
    let places = extent + 2 * padding - 2
    return (0..<3).reduce(0) { sum, tap in
      sum + max(0, min(places, extent + padding - tap) - max(0, padding - tap))
    }
  }
}

extension ConvolutionMethod {
  /// The method that multiplies least, the more exact one of equals: a fixed function of the layer,
  /// never of the batch, the processor or a measurement, so that equal networks give equal results
  /// everywhere. Measured on AVX-512, AVX2 and SSE2, from 16 to 512 channels and 1x1 to 32x32 pixels,
  /// it is the fastest or within a tenth of it, except for 5x5 images of 16 channels (a third).
  ///
  /// For 3x3 kernels of step 1 and padding 1 that is `f4` for images of 3x3, 4x4, and 7x7 or more
  /// pixels, `f2` for 2x2, 5x5 and 6x6, and `direct` for 1x1.
  public static func chosen(for shape: ConvolutionShape) -> ConvolutionMethod {
    guard shape.supports(.f4) else { return .direct }
    let (direct, f2, f4) = (
      shape.multiplications(.direct), shape.multiplications(.f2), shape.multiplications(.f4)
    )
    return f4 < min(f2, direct) ? .f4 : f2 <= direct ? .f2 : .direct
  }
}
