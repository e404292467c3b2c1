// Average pooling of NHWC images: each window's mean, windows inside the image only.

import Basics
import Kernels

/// Square windows of `window`, `stride` apart.
public struct AveragePooling2D: Layer {
  /// Extent of the window, and step between windows.
  public let window, stride: Int

  /// A pooling layer; the step defaults to the window, so that windows tile the image.
  public init(_ window: Int, stride: Int? = nil) {
    precondition(window > 0, "a pooling window has at least one row and column")
    self.window = window
    self.stride = stride ?? window
    precondition(self.stride > 0, "the stride of a pooling layer must be positive")
  }

  public var summary: String {
    "average pooling \(window)x\(window)" + (stride == window ? "" : ", stride \(stride)")
  }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    let shape = try context.pooling(summary, context.batch, window: window, stride: stride)
    var plan = LayerPlan(
      output: Shape([shape.outputHeight, shape.outputWidth, shape.channels]))
    (plan.keepsInput, plan.keepsOutput) = (false, false)
    plan.operations = window * window * plan.output.count
    return plan
  }

  private func shape(_ pass: LayerPass) -> PoolingShape {
    PoolingShape(pass.count, pass.input, window: window, stride: stride)
  }

  public func forward(_ pass: LayerPass) {
    pass.kernels.averagePoolingForward(shape(pass), x: pass.x, y: pass.y)
  }

  public func backward(_ pass: LayerPass) {
    guard let dx = pass.dx else { return }
    pass.kernels.averagePoolingBackward(shape(pass), dy: FloatsIn(pass.dy), dx: dx)
  }
}

extension PoolingShape {
  /// Windows over `count` images of `input`.
  init(_ count: Int, _ input: Shape, window: Int, stride: Int) {
    self.init(
      batch: count, height: input.dimensions[0], width: input.dimensions[1],
      channels: input.dimensions[2], window: window, stride: stride)
  }
}

extension PlanContext {
  /// The windows of a pooling layer over `count` images.
  ///
  /// - Throws: `ShapeError` if the input is no image, or smaller than a window.
  func pooling(_ layer: String, _ count: Int, window: Int, stride: Int) throws(ShapeError)
    -> PoolingShape
  {
    let (height, width, _) = try image(layer)
    guard min(height, width) >= window else {
      throw ShapeError(
        layer: layer, input: input, problem: "the window is larger than the image")
    }
    return PoolingShape(count, input, window: window, stride: stride)
  }
}
