// The contract of the convolutions. Networks send their images through a layer a few at a time, so
// that activations stay in the caches; therefore work on the weights stands apart: once per step
// `convolutionPrepare` packs or transforms them for a pass, and gradients of the weights can be added
// to what earlier calls left.

/// Convolutions of NHWC images, by the method that the shape names (which it must support).
///
/// Results do not depend on how images are shared out among calls, but for the rounding of gradients
/// of weights. Speed does: Winograd's methods transform each weight's gradient once per call, and from
/// 256 x 256 channels on the weights too, which is as much work as about ten tiles. Calls of 100 tiles
/// (1,600 pixels for `f4`) are worth the memory.
public protocol ConvolutionKernels: SendableMetatype {
  /// Floats of prepared weights for a pass; does not depend on the batch. 0 where a pass prepares
  /// blocks of `w` itself, because the whole would be larger than the caches.
  static func convolutionPreparedCount(
    _ shape: ConvolutionShape, _ direction: ConvolutionDirection
  ) -> Int
  /// Brings weights into the order in which a pass reads them, for any number of images.
  static func convolutionPrepare(
    _ shape: ConvolutionShape, _ direction: ConvolutionDirection, w: FloatsIn,
    prepared: FloatsOut, scratch: FloatsOut)

  /// y = convolution(x, w) [+ bias] [then ReLU]. `prepared` holds what `convolutionPrepare` made of
  /// the same `w` for `.forward`.
  static func convolutionForward(
    _ shape: ConvolutionShape, x: FloatsIn, w: FloatsIn, prepared: FloatsIn, bias: FloatsIn?,
    relu: Bool, y: FloatsOut, scratch: FloatsOut)
  /// dx, overwritten or added to, from dy. `prepared` is for `.backwardData`.
  static func convolutionBackwardData(
    _ shape: ConvolutionShape, dy: FloatsIn, w: FloatsIn, prepared: FloatsIn, dx: FloatsOut,
    add: Bool, scratch: FloatsOut)

  /// dw and, where wanted, dbias, overwritten or added to, from x and dy.
  static func convolutionBackwardWeights(
    _ shape: ConvolutionShape, x: FloatsIn, dy: FloatsIn, dw: FloatsOut, dbias: FloatsOut?,
    add: Bool, scratch: FloatsOut)

  /// Floats of scratch that any of the convolution kernels, the fused ones included, may use for
  /// up to `batch` images; from some batch on it grows no more.
  static func convolutionScratch(_ shape: ConvolutionShape) -> Int

  /// Whether the two fused kernels below take this shape (2x2 max pooling of step 2 follows).
  static func convolutionPoolSupports(_ shape: ConvolutionShape) -> Bool
  /// y = maxpool2(ReLU(convolution(x, w) + bias)); the convolution's own result is never stored.
  /// `choice` gets a byte per y: 0...3 the place of the window that won, 4 where ReLU closed it.
  static func convolutionPoolForward(
    _ shape: ConvolutionShape, x: FloatsIn, w: FloatsIn, bias: FloatsIn, y: FloatsOut,
    choice: UnsafeMutablePointer<UInt8>, scratch: FloatsOut)
  /// dw and dbias, overwritten, from x, the pooled dy and `choice`.
  static func convolutionPoolBackwardWeights(
    _ shape: ConvolutionShape, x: FloatsIn, dy: FloatsIn, choice: UnsafePointer<UInt8>,
    dw: FloatsOut, dbias: FloatsOut, scratch: FloatsOut)
}
