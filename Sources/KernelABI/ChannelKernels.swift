// Kernels that treat every channel of an image by numbers of its own: what batch normalisation is
// made of. Images are (rows, channels), rows being all pixels of all images at hand.

/// Per-channel sums and maps.
public protocol ChannelKernels: SendableMetatype {
  /// sums[c] += sum of x - origin[c], sums[channels + c] += sum of its square. An origin near the mean
  /// keeps the difference of the two good to the last digits.
  static func channelMoments(
    rows: Int, channels: Int, x: FloatsIn, origin: FloatsIn, sums: UnsafeMutablePointer<Double>)

  /// y = x scale[c] + offset[c] [+ second] [then ReLU].
  static func channelAffine(
    rows: Int, channels: Int, x: FloatsIn, scale: FloatsIn, offset: FloatsIn, second: FloatsIn?,
    relu: Bool, y: FloatsOut)

  /// The gradient of `channelAffine`'s result becomes that of its sum, in place (0 where ReLU closed
  /// it: where y is not positive; without y, where x scale + offset is not), and
  /// sums[c] += sum of dy, sums[channels + c] += sum of dy (x - origin[c]).
  static func channelGradientSums(
    rows: Int, channels: Int, x: FloatsIn, scale: FloatsIn, offset: FloatsIn, y: FloatsIn?,
    relu: Bool, origin: FloatsIn, dy: FloatsOut, sums: UnsafeMutablePointer<Double>)

  /// dx = a[c] dy + b[c] x + offset[c] [+ dx].
  static func channelCombine(
    rows: Int, channels: Int, dy: FloatsIn, x: FloatsIn, a: FloatsIn, b: FloatsIn, offset: FloatsIn,
    add: Bool, dx: FloatsOut)

  /// y = mean over the `rows` rows of each of `images` images: (images, rows, channels) to
  /// (images, channels).
  static func meanRows(images: Int, rows: Int, channels: Int, x: FloatsIn, y: FloatsOut)
  /// dx = dy / rows, for every row [+ dx].
  static func meanRowsBackward(
    images: Int, rows: Int, channels: Int, dy: FloatsIn, add: Bool, dx: FloatsOut)
}
