// What pooling layers are made of.

import Basics
import Kernels

/// Square windows inside an image.
public struct Windows: Sendable, Equatable {
  /// Extent of a window, and step between windows.
  public let extent, stride: Int

  /// Windows of 1 to 15 rows and columns; the step defaults to the extent, so that they tile the image.
  public init(_ extent: Int, stride: Int? = nil) {
    precondition((1...15).contains(extent), "a pooling window has 1 to 15 rows and columns")
    (self.extent, self.stride) = (extent, stride ?? extent)
    precondition(self.stride > 0, "the stride of a pooling layer must be positive")
  }

  /// For a layer's summary.
  var summary: String { "\(extent)x\(extent)" + (stride == extent ? "" : ", stride \(stride)") }

  /// The kernels' view of `count` images of `input`.
  func shape(_ count: Int, _ input: Shape) -> PoolingShape {
    PoolingShape(
      batch: count, height: input.dimensions[0], width: input.dimensions[1],
      channels: input.dimensions[2], window: extent, stride: stride)
  }

  /// What a layer of such windows plans: its output, and an operation for every place of each.
  ///
  /// - Throws: `ShapeError` if the input is no image, or smaller than a window.
  func plan(_ context: PlanContext, _ layer: String) throws(ShapeError) -> LayerPlan {
    let (height, width, channels) = try context.image(layer)
    guard min(height, width) >= extent else {
      throw ShapeError(
        layer: layer, input: context.input, problem: "the window is larger than the image")
    }
    let shape = shape(context.batch, context.input)
    var plan = LayerPlan(output: Shape([shape.outputHeight, shape.outputWidth, channels]))
    plan.keepsInput = false
    plan.operations = extent * extent * plan.output.count
    return plan
  }
}
