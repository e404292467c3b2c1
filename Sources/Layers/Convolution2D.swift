// 2-D convolution of NHWC images (cross-correlation, as in PyTorch). Weights lie as (kernel height,
// kernel width, in, out); checkpoints hold PyTorch's (out, in, height, width).
// Cost: 2 * batch * out height * out width * kernel^2 * in * out FLOPs forward, twice that backward;
// Winograd's methods (see ConvolutionMethod) multiply less.

import Basics
import Kernels

/// Filters that slide over an image.
public struct Convolution2D: FilterLayer, ActivatedLayer {
  /// What slides.
  public let filters: Filters
  /// Applied to the result in the same pass.
  public var activation: Activation

  /// A convolution by `filters`.
  public init(_ filters: Filters, activation: Activation = .none) {
    (self.filters, self.activation) = (filters, activation)
  }

  public var summary: String { "convolution \(filters.summary)" + activation.suffix }

  /// The kernel's view of `count` images of `input`.
  func shape(_ count: Int, _ input: Shape) -> ConvolutionShape {
    let extents = input.dimensions
    return filters.shape(
      count, height: extents[0], width: extents[1], from: extents[2], to: filters.channels)
  }

  /// Checks the input and returns weight and, where there is one, bias to ask for.
  func parameters(_ context: PlanContext) throws(ShapeError) -> [ParameterRequest] {
    let (height, width, inputs) = try context.image(summary)
    guard min(height, width) + 2 * filters.padding >= filters.kernel else {
      throw ShapeError(
        layer: summary, input: context.input, problem: "the kernel is larger than the image")
    }
    return filters.parameters([inputs, filters.channels], fan: inputs)
  }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    let parameters = try parameters(context)
    var shape = shape(context.batch, context.input)
    shape.method = context.convolution.method(for: shape)
    var plan = LayerPlan(output: Shape([shape.outputHeight, shape.outputWidth, filters.channels]))
    plan.parameters = parameters
    activation.plan(&plan)
    plan.canAdd = true
    plan.planConvolution(shape, context, pixels: shape.outputHeight * shape.outputWidth)
    return plan
  }

  public func forward(_ pass: LayerPass) {
    let shape = pass.prepareConvolution(.forward, shape(pass.count, pass.input))
    pass.kernels.convolutionForward(
      shape, x: pass.x, w: pass.parameter(0), prepared: FloatsIn(pass.kept),
      bias: filters.hasBias ? pass.parameter(1) : nil, relu: activation == .relu, y: pass.y,
      scratch: pass.scratch)
    activation.forward(pass, done: .relu)
  }

  public func backward(_ pass: LayerPass) {
    activation.backward(pass)
    var shape = shape(pass.count, pass.input)
    shape.method = pass.plan.convolution
    pass.kernels.convolutionBackwardWeights(
      shape, x: pass.x, dy: FloatsIn(pass.dy), dw: pass.gradient(0),
      dbias: filters.hasBias ? pass.gradient(1) : nil, add: !pass.isFirst, scratch: pass.scratch)
    pass.finishGradients()
    guard let dx = pass.dx else { return }
    pass.observer?.pause()
    pass.kernels.convolutionBackwardData(
      pass.prepareConvolution(.backwardData, shape), dy: FloatsIn(pass.dy), w: pass.parameter(0),
      prepared: FloatsIn(pass.kept), dx: dx, add: pass.adds, scratch: pass.scratch)
  }
}
