// 2-D convolution of NHWC images (cross-correlation, as in PyTorch). Weights lie as (kernel height,
// kernel width, in, out); checkpoints hold PyTorch's (out, in, height, width).
// Cost: 2 * batch * out height * out width * kernel^2 * in * out FLOPs forward, twice that backward.

import Basics
import Kernels

/// `channels` square filters.
public struct Convolution2D: Layer {
  /// Filters, that is, channels of the result.
  public let channels: Int
  /// Extent of the square kernel, step, and zeros added on each side.
  public let kernel, stride, padding: Int
  /// Applied to the result in the same pass.
  public var activation: Activation

  /// A convolution layer.
  public init(
    _ channels: Int, kernel: Int, stride: Int = 1, padding: Int = 0, activation: Activation = .none
  ) {
    precondition(
      channels > 0 && kernel > 0 && stride > 0 && padding >= 0 && padding < kernel,
      "a convolution needs channels, kernel and stride of at least 1, and padding below the kernel")
    (self.channels, self.kernel, self.stride) = (channels, kernel, stride)
    (self.padding, self.activation) = (padding, activation)
  }

  public var summary: String {
    "convolution \(kernel)x\(kernel), \(channels) channels"
      + (stride == 1 ? "" : ", stride \(stride)") + (padding == 0 ? "" : ", padding \(padding)")
      + activation.suffix
  }

  /// The kernel's view of `count` images of `input`.
  func shape(_ count: Int, _ input: Shape) -> ConvolutionShape {
    var shape = ConvolutionShape(
      batch: count, height: input.dimensions[0], width: input.dimensions[1],
      inputChannels: input.dimensions[2], outputChannels: channels, kernel: kernel,
      stride: stride, padding: padding)
    shape.method = ConvolutionMethod.chosen(for: shape)
    return shape
  }

  /// Checks `input` and returns the weight and bias to ask for.
  func parameters(input: Shape) throws(ShapeError) -> [ParameterRequest] {
    guard input.dimensions.count == 3, input.element == .float else {
      throw ShapeError(
        layer: summary, input: input, problem: "it needs images (height x width x channels)")
    }
    guard min(input.dimensions[0], input.dimensions[1]) + 2 * padding >= kernel else {
      throw ShapeError(layer: summary, input: input, problem: "the kernel is larger than the image")
    }
    let inputs = input.dimensions[2]
    // PyTorch's nn.Conv2d: both uniform in ±1/sqrt(in * kernel^2).
    let bound = 1 / Float(inputs * kernel * kernel).squareRoot()
    return [
      ParameterRequest(
        "weight", shape: [kernel, kernel, inputs, channels], axes: [3, 2, 0, 1],
        initialisation: .uniform(bound: bound)),
      ParameterRequest("bias", shape: [channels], initialisation: .uniform(bound: bound)),
    ]
  }

  public func plan(input: Shape, batch: Int, kernels: KernelTable) throws(ShapeError) -> LayerPlan {
    let parameters = try parameters(input: input)
    let shape = shape(batch, input)
    var plan = LayerPlan(output: Shape([shape.outputHeight, shape.outputWidth, channels]))
    plan.parameters = parameters
    plan.scratch = ConvolutionMemory(shape, kernels).count
    return plan
  }

  public func forward(_ pass: LayerPass) {
    let shape = shape(pass.count, pass.inputShape)
    let prepared = prepare(.forward, shape, pass)
    pass.kernels.convolutionForward(
      shape, x: pass.x, w: pass.parameter(0), prepared: prepared, bias: pass.parameter(1),
      relu: activation == .relu, y: pass.y, scratch: pass.scratch)
  }

  /// The weights as `direction` wants them, behind the kernels' scratch.
  private func prepare(
    _ direction: ConvolutionDirection, _ shape: ConvolutionShape, _ pass: LayerPass
  ) -> FloatsIn {
    let prepared = pass.scratch + ConvolutionMemory(shape, pass.kernels).kept
    pass.kernels.convolutionPrepare(
      shape, direction, w: pass.parameter(0), prepared: prepared, scratch: pass.scratch)
    return FloatsIn(prepared)
  }

  public func backward(_ pass: LayerPass) {
    let shape = shape(pass.count, pass.inputShape)
    activation.backward(pass)
    pass.kernels.convolutionBackwardWeights(
      shape, x: pass.x, dy: pass.dy, dw: pass.gradient(0), dbias: pass.gradient(1),
      add: false, scratch: pass.scratch)
    pass.finishGradients()
    if let dx = pass.dx {
      pass.observer?.pause()
      let prepared = prepare(.backwardData, shape, pass)
      let outputs = pass.plan.output.count
      let inputs = pass.inputShape.count
      // Where a call transforms weights itself, all images share one.
      let isPrepared = pass.kernels.convolutionPreparedCount(shape, .backwardData) > 0
      let operations =
        isPrepared ? 2 * outputs * kernel * kernel * pass.inputShape.dimensions[2] : 0
      pass.inPieces(operations: operations) { first, count in
        pass.kernels.convolutionBackwardData(
          self.shape(count, pass.inputShape), dy: pass.dy + first * outputs, w: pass.parameter(0),
          prepared: prepared, dx: dx + first * inputs, add: false, scratch: pass.scratch)
      }
    }
  }
}

/// A convolution's part of the scratch that all layers share: the kernels' own, then prepared weights.
private struct ConvolutionMemory {
  let kept: Int
  let count: Int

  init(_ shape: ConvolutionShape, _ kernels: KernelTable) {
    kept = FloatBuffer.aligned(kernels.convolutionScratch(shape))
    count =
      kept
      + max(
        kernels.convolutionPreparedCount(shape, .forward),
        kernels.convolutionPreparedCount(shape, .backwardData))
  }
}
