// The convolutions' entry points: which method's code runs, and how much memory it needs.

import KernelABI

extension VectorKernels {
  public static func convolutionPreparedCount(
    _ shape: ConvolutionShape, _ direction: ConvolutionDirection
  ) -> Int {
    switch shape.method {
    case .direct: DirectPass.preparedCount(shape, direction)
    case .f2: Winograd<F2>.preparedCount(shape, direction)
    case .f4: Winograd<F4>.preparedCount(shape, direction)
    }
  }

  /// A pass over the weights.
  public static func convolutionPrepare(
    _ shape: ConvolutionShape, _ direction: ConvolutionDirection, w: FloatsIn,
    prepared: FloatsOut, scratch: FloatsOut
  ) {
    check(shape)
    switch shape.method {
    case .direct: DirectPass.prepare(shape, direction, w, prepared)
    case .f2: Winograd<F2>.prepare(shape, direction, w, prepared, scratch)
    case .f4: Winograd<F4>.prepare(shape, direction, w, prepared, scratch)
    }
  }

  /// The largest need of any pass.
  public static func convolutionScratch(_ shape: ConvolutionShape) -> Int {
    let passes =
      switch shape.method {
      case .direct: max(DirectPass.scratch(shape), weightGradientScratch(shape))
      case .f2: Winograd<F2>.scratch(shape)
      case .f4: Winograd<F4>.scratch(shape)
      }
    return max(passes, convolutionPoolScratch(shape))
  }

  /// See `ConvolutionMethod` for the multiplications of each method.
  public static func convolutionForward(
    _ shape: ConvolutionShape, x: FloatsIn, w: FloatsIn, prepared: FloatsIn, bias: FloatsIn?,
    relu: Bool, y: FloatsOut, scratch: FloatsOut
  ) {
    check(shape)
    guard shape.batch > 0 && shape.outputCount > 0 else { return }
    switch shape.method {
    case .direct: DirectPass.forward(shape, x, prepared, bias, relu, y, scratch)
    case .f2: Winograd<F2>.forward(shape, x, w, prepared, bias, relu, y, scratch)
    case .f4: Winograd<F4>.forward(shape, x, w, prepared, bias, relu, y, scratch)
    }
  }

  /// As many operations as the forward pass.
  public static func convolutionBackwardData(
    _ shape: ConvolutionShape, dy: FloatsIn, w: FloatsIn, prepared: FloatsIn, dx: FloatsOut,
    add: Bool, scratch: FloatsOut
  ) {
    check(shape)
    guard shape.batch > 0 && shape.inputCount > 0 else { return }
    switch shape.method {
    case .direct: DirectPass.backwardData(shape, dy, prepared, dx, add, scratch)
    case .f2: Winograd<F2>.backwardData(shape, dy, w, prepared, dx, add, scratch)
    case .f4: Winograd<F4>.backwardData(shape, dy, w, prepared, dx, add, scratch)
    }
  }

  /// As many operations as the forward pass.
  public static func convolutionBackwardWeights(
    _ shape: ConvolutionShape, x: FloatsIn, dy: FloatsIn, dw: FloatsOut, dbias: FloatsOut?,
    add: Bool, scratch: FloatsOut
  ) {
    check(shape)
    let isEmpty = shape.batch == 0 || shape.outputCount == 0
    if !add {
      dbias?.update(repeating: 0, count: shape.outputChannels)
      if isEmpty || shape.method == .direct {
        dw.update(repeating: 0, count: shape.weightCount)
      }
    }
    guard !isEmpty else { return }
    switch shape.method {
    case .direct: directBackwardWeights(shape, x, dy, dw, dbias, scratch)
    case .f2: Winograd<F2>.backwardWeights(shape, x, dy, dw, dbias, add: add, scratch)
    case .f4: Winograd<F4>.backwardWeights(shape, x, dy, dw, dbias, add: add, scratch)
    }
  }

  private static func check(_ shape: ConvolutionShape) {
    precondition(
      shape.supports(shape.method), "the shape does not support its method; ask supports first")
  }
}
