// 2-D convolution of NHWC images (cross-correlation, as in PyTorch). Weights lie as (kernel height,
// kernel width, in, out); checkpoints hold PyTorch's (out, in, height, width).
// Cost: 2 * batch * out height * out width * kernel^2 * in * out FLOPs forward, twice that backward;
// Winograd's methods (see ConvolutionMethod) multiply less.

import Basics
import Kernels

/// `channels` square filters.
public struct Convolution2D: ActivatedLayer {
  /// Filters, that is, channels of the result.
  public let channels: Int
  /// Extent of the square kernel, step, and zeros added on each side.
  public let kernel, stride, padding: Int
  /// Whether a number of its own is added to every channel.
  public let hasBias: Bool
  /// Deviation of normally distributed initial weights, biases being 0; nil: PyTorch's uniform ones.
  public let deviation: Float?
  /// Applied to the result in the same pass.
  public var activation: Activation

  /// A convolution layer.
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
    "convolution \(kernel)x\(kernel), \(channels) channels"
      + (stride == 1 ? "" : ", stride \(stride)") + (padding == 0 ? "" : ", padding \(padding)")
      + (hasBias ? "" : ", no bias") + activation.suffix
  }

  /// The kernel's view of `count` images of `input`.
  func shape(_ count: Int, _ input: Shape) -> ConvolutionShape {
    ConvolutionShape(
      batch: count, height: input.dimensions[0], width: input.dimensions[1],
      inputChannels: input.dimensions[2], outputChannels: channels, kernel: kernel,
      stride: stride, padding: padding)
  }

  /// Checks the input and returns weight and, where there is one, bias to ask for.
  func parameters(_ context: PlanContext) throws(ShapeError) -> [ParameterRequest] {
    let (height, width, inputs) = try context.image(summary)
    guard min(height, width) + 2 * padding >= kernel else {
      throw ShapeError(
        layer: summary, input: context.input, problem: "the kernel is larger than the image")
    }
    // PyTorch's nn.Conv2d: both uniform in ±1/sqrt(in * kernel^2).
    return ParameterRequest.weightAndBias(
      [kernel, kernel, inputs, channels], axes: [3, 2, 0, 1],
      bound: 1 / Float(inputs * kernel * kernel).squareRoot(), deviation,
      biases: hasBias ? channels : nil)
  }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    let parameters = try parameters(context)
    var shape = shape(context.batch, context.input)
    shape.method = context.convolution.method(for: shape)
    var plan = LayerPlan(output: Shape([shape.outputHeight, shape.outputWidth, channels]))
    plan.parameters = parameters
    plan.keepsOutput = activation != .none
    plan.canAdd = true
    plan.planConvolution(shape, context, pixels: shape.outputHeight * shape.outputWidth)
    return plan
  }

  public func forward(_ pass: LayerPass) {
    let shape = pass.prepareConvolution(.forward, shape(pass.count, pass.input))
    pass.kernels.convolutionForward(
      shape, x: pass.x, w: pass.parameter(0), prepared: FloatsIn(pass.kept),
      bias: hasBias ? pass.parameter(1) : nil, relu: activation == .relu, y: pass.y,
      scratch: pass.scratch)
    activation.forward(pass, done: .relu)
  }

  public func backward(_ pass: LayerPass) {
    activation.backward(pass)
    var shape = shape(pass.count, pass.input)
    shape.method = pass.plan.convolution
    pass.kernels.convolutionBackwardWeights(
      shape, x: pass.x, dy: FloatsIn(pass.dy), dw: pass.gradient(0),
      dbias: hasBias ? pass.gradient(1) : nil, add: !pass.isFirst, scratch: pass.scratch)
    pass.finishGradients()
    guard let dx = pass.dx else { return }
    pass.observer?.pause()
    pass.kernels.convolutionBackwardData(
      pass.prepareConvolution(.backwardData, shape), dy: FloatsIn(pass.dy), w: pass.parameter(0),
      prepared: FloatsIn(pass.kept), dx: dx, add: pass.adds, scratch: pass.scratch)
  }
}
