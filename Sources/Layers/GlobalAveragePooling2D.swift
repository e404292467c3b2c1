// The mean of an image's pixels, channel by channel.

import Basics
import Kernels

/// (height, width, channels) -> (channels).
public struct GlobalAveragePooling2D: Layer {
  /// A mean over all pixels.
  public init() {}

  public var summary: String { "global average pooling" }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    let channels = try context.image(summary).channels
    var plan = LayerPlan(output: Shape([channels]))
    (plan.keepsInput, plan.keepsOutput) = (false, false)
    plan.canAdd = true
    plan.operations = context.input.count
    return plan
  }

  private func pixels(_ pass: LayerPass) -> Int {
    pass.input.dimensions[0] * pass.input.dimensions[1]
  }

  public func forward(_ pass: LayerPass) {
    pass.kernels.meanRows(
      images: pass.count, rows: pixels(pass), channels: pass.input.dimensions[2], x: pass.x,
      y: pass.y)
  }

  public func backward(_ pass: LayerPass) {
    guard let dx = pass.dx else { return }
    pass.kernels.meanRowsBackward(
      images: pass.count, rows: pixels(pass), channels: pass.input.dimensions[2],
      dy: FloatsIn(pass.dy), add: pass.adds, dx: dx)
  }
}
