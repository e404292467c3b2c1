// Convolution, ReLU and 2x2 max pooling as one pass over an image, for first layers: the
// convolution's own result (four times as large as what is kept) is never written to memory.
// Forward keeps the pooled values and one byte per value that says which place of the window won.

import Basics
import Kernels

/// `Convolution2D`, `ReLU`, `MaxPooling2D(2)` in one. Made by the network's plan, never by hand.
struct ConvolutionPool2D: Layer {
  let convolution: Convolution2D

  var summary: String { convolution.summary + ", relu, max pooling 2x2 in one pass" }

  func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    let parameters = try convolution.parameters(context)
    let shape = convolution.shape(context.batch, context.input)
    let output = Shape([
      shape.outputHeight / 2, shape.outputWidth / 2, convolution.filters.channels,
    ])
    var plan = LayerPlan(output: output)
    plan.parameters = parameters
    plan.keptPerSample = (output.count + 3) / 4  // a byte each
    plan.keepsOutput = false
    plan.scratch = context.kernels.convolutionScratch(shape)
    plan.operations = 2 * shape.outputHeight * shape.outputWidth * shape.weightCount
    plan.fewestSamples = .max
    plan.kernel = "direct, pooled in registers"
    return plan
  }

  func forward(_ pass: LayerPass) {
    pass.kernels.convolutionPoolForward(
      convolution.shape(pass.count, pass.input), x: pass.x, w: pass.parameter(0),
      bias: pass.parameter(1), y: pass.y, choice: pass.keptBytes, scratch: pass.scratch)
  }

  func backward(_ pass: LayerPass) {
    precondition(pass.dx == nil, "the fused convolution has no gradient of its input")
    pass.kernels.convolutionPoolBackwardWeights(
      convolution.shape(pass.count, pass.input), x: pass.x, dy: pass.dy,
      choice: pass.keptBytes, dw: pass.gradient(0), dbias: pass.gradient(1), scratch: pass.scratch)
    pass.finishGradients()
  }
}
