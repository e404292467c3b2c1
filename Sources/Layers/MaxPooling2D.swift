// Max pooling of NHWC images: each window's largest value, windows inside the image only. Keeps one
// byte per output that says which place won; backward sends the gradient there.

import Basics
import Kernels

/// Square windows of `window`, `stride` apart.
public struct MaxPooling2D: Layer {
  /// Extent of the window, and step between windows.
  public let window, stride: Int
  /// Applied to the pooled values: the largest of rectified values is the rectified largest value,
  /// so a ReLU in front of the pooling costs a fraction of its work behind it.
  public var activation: Activation = .none

  /// A pooling layer; the step defaults to the window, so that windows tile the image.
  public init(_ window: Int, stride: Int? = nil) {
    precondition((1...15).contains(window), "a pooling window has 1 to 15 rows and columns")
    self.window = window
    self.stride = stride ?? window
    precondition(self.stride > 0, "the stride of a pooling layer must be positive")
  }

  public var summary: String {
    "max pooling \(window)x\(window)" + (stride == window ? "" : ", stride \(stride)")
      + activation.suffix
  }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    let shape = try context.pooling(summary, context.batch, window: window, stride: stride)
    var plan = LayerPlan(
      output: Shape([shape.outputHeight, shape.outputWidth, shape.channels]))
    plan.keptPerSample = (plan.output.count + 3) / 4  // a byte each
    plan.keepsInput = false
    plan.keepsOutput = activation != .none
    plan.operations = window * window * plan.output.count
    return plan
  }

  private func shape(_ pass: LayerPass) -> PoolingShape {
    PoolingShape(pass.count, pass.input, window: window, stride: stride)
  }

  public func forward(_ pass: LayerPass) {
    pass.kernels.maxPoolingForward(
      shape(pass), x: pass.x, y: pass.y, choice: pass.keptBytes)
    activation.forward(pass)
  }

  public func backward(_ pass: LayerPass) {
    guard let dx = pass.dx else { return }
    activation.backward(pass)
    pass.kernels.maxPoolingBackward(
      shape(pass), dy: FloatsIn(pass.dy), choice: UnsafePointer(pass.keptBytes),
      dx: dx)
  }
}
