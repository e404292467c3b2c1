// Transposed convolution of NHWC images: what a convolution does to gradients on their way back, as a
// layer that makes images larger (Zeiler et al.: Deconvolutional networks, CVPR 2010; PyTorch's
// nn.ConvTranspose2d). Weights lie as (kernel height, kernel width, out, in); checkpoints hold PyTorch's
// (in, out, height, width).
// Cost: 2 * batch * in height * in width * kernel^2 * in * out FLOPs forward, twice that backward.

import Basics
import Kernels

/// Filters that every pixel of an image spreads over the result.
public struct TransposedConvolution2D: FilterLayer, ActivatedLayer {
  /// What is spread.
  public let filters: Filters
  /// Applied to the result.
  public var activation: Activation

  /// A transposed convolution by `filters`.
  public init(_ filters: Filters, activation: Activation = .none) {
    (self.filters, self.activation) = (filters, activation)
  }

  public var summary: String { "transposed convolution \(filters.summary)" + activation.suffix }

  /// The convolution that this one is the transpose of: from the result to the input.
  private func shape(_ count: Int, _ input: Shape) -> ConvolutionShape {
    let extents = input.dimensions
    return filters.shape(
      count, height: extent(extents[0]), width: extent(extents[1]), from: filters.channels,
      to: extents[2])
  }

  /// Rows or columns of the result.
  private func extent(_ input: Int) -> Int {
    (input - 1) * filters.stride - 2 * filters.padding + filters.kernel
  }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    let (height, width, inputs) = try context.image(summary)
    guard min(extent(height), extent(width)) > 0 else {
      throw ShapeError(
        layer: summary, input: context.input, problem: "nothing is left after cutting the padding")
    }
    var shape = shape(context.batch, context.input)
    shape.method = context.convolution.method(for: shape)
    var plan = LayerPlan(output: Shape([extent(height), extent(width), filters.channels]))
    plan.parameters = filters.parameters([filters.channels, inputs], fan: filters.channels)
    activation.plan(&plan)
    plan.planConvolution(shape, context, pixels: height * width)
    return plan
  }

  public func forward(_ pass: LayerPass) {
    let shape = pass.prepareConvolution(.backwardData, shape(pass.count, pass.input))
    pass.kernels.convolutionBackwardData(
      shape, dy: pass.x, w: pass.parameter(0), prepared: FloatsIn(pass.kept), dx: pass.y,
      add: false, scratch: pass.scratch)
    if filters.hasBias {
      for pixel in 0..<pass.count * shape.height * shape.width {
        pass.kernels.add(
          filters.channels, x: pass.parameter(1), y: pass.y + pixel * filters.channels)
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
    if filters.hasBias {
      pass.kernels.sumRows(
        rows: pass.count * shape.height * shape.width, columns: filters.channels,
        x: FloatsIn(pass.dy),
        add: !pass.isFirst, y: pass.gradient(1))
    }
    pass.finishGradients()
    guard let dx = pass.dx else { return }
    pass.kernels.convolutionForward(
      pass.prepareConvolution(.forward, shape), x: FloatsIn(pass.dy), w: pass.parameter(0),
      prepared: FloatsIn(pass.kept), bias: nil, relu: false, y: dx, scratch: pass.scratch)
  }
}
