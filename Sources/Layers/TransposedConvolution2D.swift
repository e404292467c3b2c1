// Transposed convolution of NHWC images: what a convolution does to gradients on their way back, as a
// layer that makes images larger (Zeiler et al.: Deconvolutional networks, CVPR 2010; PyTorch's
// nn.ConvTranspose2d). Weights lie as (kernel height, kernel width, out, in); checkpoints hold PyTorch's
// (in, out, height, width).
// Cost: 2 * batch * in height * in width * kernel^2 * in * out FLOPs forward, twice that backward.

import Basics
import Kernels

/// `channels` square filters, spread over the image.
public struct TransposedConvolution2D: ActivatedLayer {
  /// Channels of the result.
  public let channels: Int
  /// Extent of the square kernel, step between its places in the result, and rows and columns that are
  /// cut off on each side.
  public let kernel, stride, padding: Int
  /// Whether a number of its own is added to every channel.
  public let hasBias: Bool
  /// Deviation of normally distributed initial weights, biases being 0; nil: PyTorch's uniform ones.
  public let deviation: Float?
  /// Applied to the result.
  public var activation: Activation

  /// A transposed convolution layer.
  public init(
    _ channels: Int, kernel: Int, stride: Int = 1, padding: Int = 0, bias: Bool = true,
    deviation: Float? = nil, activation: Activation = .none
  ) {
    precondition(
      channels > 0 && kernel > 0 && stride > 0 && padding >= 0 && padding < kernel,
      "a convolution needs channels, kernel and stride of at least 1, and padding below the kernel")
    (self.channels, self.kernel, self.stride) = (channels, kernel, stride)
    (self.padding, hasBias, self.activation) = (padding, bias, activation)
    self.deviation = deviation
  }

  public var summary: String {
    "transposed convolution \(kernel)x\(kernel), \(channels) channels"
      + (stride == 1 ? "" : ", stride \(stride)") + (padding == 0 ? "" : ", padding \(padding)")
      + (hasBias ? "" : ", no bias") + activation.suffix
  }

  /// The convolution that this one is the transpose of: from the result to the input.
  private func shape(_ count: Int, _ input: Shape) -> ConvolutionShape {
    ConvolutionShape(
      batch: count, height: extent(input.dimensions[0]), width: extent(input.dimensions[1]),
      inputChannels: channels, outputChannels: input.dimensions[2], kernel: kernel,
      stride: stride, padding: padding)
  }

  /// Rows or columns of the result.
  private func extent(_ input: Int) -> Int { (input - 1) * stride - 2 * padding + kernel }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    let (height, width, inputs) = try context.image(summary)
    guard min(extent(height), extent(width)) > 0 else {
      throw ShapeError(
        layer: summary, input: context.input, problem: "nothing is left after cutting the padding")
    }
    var shape = shape(context.batch, context.input)
    shape.method = context.convolution.method(for: shape)
    var plan = LayerPlan(output: Shape([extent(height), extent(width), channels]))
    // PyTorch's nn.ConvTranspose2d: both uniform in ±1/sqrt(out * kernel^2).
    plan.parameters = ParameterRequest.weightAndBias(
      [kernel, kernel, channels, inputs], axes: [3, 2, 0, 1],
      bound: 1 / Float(channels * kernel * kernel).squareRoot(), deviation,
      biases: hasBias ? channels : nil)
    plan.keepsOutput = activation != .none
    plan.planConvolution(shape, context, pixels: height * width)
    return plan
  }

  public func forward(_ pass: LayerPass) {
    let shape = pass.prepareConvolution(.backwardData, shape(pass.count, pass.input))
    pass.kernels.convolutionBackwardData(
      shape, dy: pass.x, w: pass.parameter(0), prepared: FloatsIn(pass.kept), dx: pass.y,
      add: false, scratch: pass.scratch)
    if hasBias {
      for pixel in 0..<pass.count * shape.height * shape.width {
        pass.kernels.add(channels, x: pass.parameter(1), y: pass.y + pixel * channels)
      }
    }
    activation.forward(pass)
  }

  public func backward(_ pass: LayerPass) {
    activation.backward(pass)
    var shape = shape(pass.count, pass.input)
    shape.method = pass.plan.convolution
    pass.kernels.convolutionBackwardWeights(
      shape, x: FloatsIn(pass.dy), dy: pass.x, dw: pass.gradient(0), dbias: nil,
      add: !pass.isFirst, scratch: pass.scratch)
    if hasBias {
      pass.kernels.sumRows(
        rows: pass.count * shape.height * shape.width, columns: channels, x: FloatsIn(pass.dy),
        add: !pass.isFirst, y: pass.gradient(1))
    }
    pass.finishGradients()
    guard let dx = pass.dx else { return }
    pass.kernels.convolutionForward(
      pass.prepareConvolution(.forward, shape), x: FloatsIn(pass.dy), w: pass.parameter(0),
      prepared: FloatsIn(pass.kept), bias: nil, relu: false, y: dx, scratch: pass.scratch)
  }
}
