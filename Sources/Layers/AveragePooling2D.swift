// Average pooling of NHWC images: each window's mean, windows inside the image only.

import Basics
import Kernels

/// The mean of each window.
public struct AveragePooling2D: Layer {
  /// Where the windows lie.
  public let windows: Windows

  /// A pooling layer; see `Windows`.
  public init(_ window: Int, stride: Int? = nil) { windows = Windows(window, stride: stride) }

  public var summary: String { "average pooling \(windows.summary)" }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    var plan = try windows.plan(context, summary)
    plan.keepsOutput = false
    return plan
  }

  public func forward(_ pass: LayerPass) {
    pass.kernels.averagePoolingForward(
      windows.shape(pass.count, pass.input), x: pass.x, y: pass.y)
  }

  public func backward(_ pass: LayerPass) {
    guard let dx = pass.dx else { return }
    pass.kernels.averagePoolingBackward(
      windows.shape(pass.count, pass.input), dy: FloatsIn(pass.dy), dx: dx)
  }
}
