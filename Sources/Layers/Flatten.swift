// From an image to a vector: a change of shape only. The values stay where they are, channels
// innermost; the shape remembers the image, so that a dense layer behind it can keep its weights in
// PyTorch's channels-first order in checkpoints.

import Basics
import Kernels

/// (height, width, channels) -> (height * width * channels).
public struct Flatten: Layer {
  /// A change of shape.
  public init() {}

  public var summary: String { "flatten" }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    let input = context.input
    let isImage = input.dimensions.count == 3
    var plan = LayerPlan(
      output: Shape(
        [input.count], element: input.element, folded: isImage ? input.dimensions : input.folded,
        indexCounts: input.indexCounts))
    plan.sharesInput = true
    (plan.keepsInput, plan.keepsOutput) = (false, false)
    return plan
  }

  public func forward(_ pass: LayerPass) {}
  public func backward(_ pass: LayerPass) {}
}
