// What layers that convolve have in common: the method, and weights that are prepared once per pass for
// however many samples go through at a time.

import Basics
import Kernels

extension ConvolutionChoice {
  /// The method for a layer: what was asked for where it is possible, else the rule's choice.
  func method(for shape: ConvolutionShape) -> ConvolutionMethod {
    let asked = ConvolutionMethod(rawValue: rawValue) ?? .chosen(for: shape)
    return shape.supports(asked) ? asked : .direct
  }
}

extension LayerPlan {
  /// Settles method, memory and operations of a convolution of `shape`, whose results have so many
  /// `pixels`.
  mutating func planConvolution(_ shape: ConvolutionShape, _ context: PlanContext, pixels: Int) {
    let kernels = context.kernels
    convolution = shape.method
    let directions: [ConvolutionDirection] = [.forward, .backwardData]
    let prepared = directions.map { kernels.convolutionPreparedCount(shape, $0) }
    kept = prepared.max()!
    scratch = kernels.convolutionScratch(shape)
    // As if there were no limit to what a person may describe.
    let count = 2 * Double(shape.outputHeight * shape.outputWidth) * Double(shape.weightCount)
    operations = Int(min(count, 0x1p52))
    kernel = shape.method == .direct ? "direct" : "Winograd \(shape.method.rawValue)"
    if prepared.contains(0) {
      // Weights are transformed in every call.
      fewestSamples = .max
    } else {
      // Prepared weights come from beyond the caches, and Winograd's gradients are transformed back, in
      // every call: worth it for some hundred pixels, or tiles.
      let tile = shape.method.tile
      let places = max(1, pixels / (tile * tile))
      fewestSamples = ((tile == 1 ? 256 : 96) + places - 1) / places
    }
  }
}

extension LayerPass {
  /// The shape by the plan's method, its weights prepared by the call for the first samples.
  func prepareConvolution(_ direction: ConvolutionDirection, _ shape: ConvolutionShape)
    -> ConvolutionShape
  {
    var shape = shape
    shape.method = plan.convolution
    if startsMicroBatch {
      kernels.convolutionPrepare(
        shape, direction, w: parameter(0), prepared: kept, scratch: scratch)
    }
    return shape
  }
}
