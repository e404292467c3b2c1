// What convolutions in either direction are made of.

import Basics
import Kernels

/// Square filters: how many, how large, and where they are laid.
public struct Filters: Sendable, Equatable {
  /// Filters, that is, channels of the result.
  public let channels: Int
  /// Extent of the square kernel, step between its places, and margin on each side: zeros added before
  /// a convolution, or rows and columns cut off after a transposed one.
  public let kernel, stride, padding: Int
  /// Whether a number of its own is added to every channel of the result.
  public let hasBias: Bool
  /// Deviation of normally distributed initial weights, biases being 0; nil: PyTorch's uniform ones.
  public let deviation: Float?

  /// Filters.
  public init(
    _ channels: Int, kernel: Int, stride: Int = 1, padding: Int = 0, bias: Bool = true,
    deviation: Float? = nil
  ) {
    precondition(
      channels > 0 && kernel > 0 && stride > 0 && padding >= 0 && padding < kernel,
      "a convolution needs channels, kernel and stride of at least 1, and padding below the kernel")
    (self.channels, self.kernel, self.stride, self.padding) = (channels, kernel, stride, padding)
    (hasBias, self.deviation) = (bias, deviation)
  }

  /// For a layer's summary.
  var summary: String {
    "\(kernel)x\(kernel), \(channels) channels" + (stride == 1 ? "" : ", stride \(stride)")
      + (padding == 0 ? "" : ", padding \(padding)") + (hasBias ? "" : ", no bias")
  }

  /// Weights (kernel, kernel, `channels`), which checkpoints hold as PyTorch does, and biases. PyTorch's
  /// initial values are uniform in ±1/sqrt(fan kernel^2).
  func parameters(_ channels: [Int], fan: Int) -> [ParameterRequest] {
    ParameterRequest.weightAndBias(
      [kernel, kernel] + channels, axes: [3, 2, 0, 1],
      bound: 1 / Float(fan * kernel * kernel).squareRoot(), deviation,
      biases: hasBias ? self.channels : nil)
  }

  /// The kernels' view of a convolution.
  func shape(_ count: Int, height: Int, width: Int, from inputs: Int, to outputs: Int)
    -> ConvolutionShape
  {
    ConvolutionShape(
      batch: count, height: height, width: width, inputChannels: inputs, outputChannels: outputs,
      kernel: kernel, stride: stride, padding: padding)
  }
}

/// A layer that is made of filters.
public protocol FilterLayer: Layer {
  /// By `filters`, with `activation` applied to the result.
  init(_ filters: Filters, activation: Activation)
}

extension FilterLayer {
  /// A layer of new filters; see `Filters`.
  public init(
    _ channels: Int, kernel: Int, stride: Int = 1, padding: Int = 0, bias: Bool = true,
    deviation: Float? = nil, activation: Activation = .none
  ) {
    self.init(
      Filters(
        channels, kernel: kernel, stride: stride, padding: padding, bias: bias,
        deviation: deviation), activation: activation)
  }
}
