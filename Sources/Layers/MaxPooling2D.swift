// Max pooling of NHWC images: each window's largest value, windows inside the image only. Keeps one
// byte per output that says which place won; backward sends the gradient there.

import Basics
import Kernels

/// The largest value of each window.
public struct MaxPooling2D: Layer {
  /// Where the windows lie.
  public let windows: Windows
  /// Applied to the pooled values: the largest of rectified values is the rectified largest value,
  /// so a ReLU in front of the pooling costs a fraction of its work behind it.
  public var activation: Activation = .none

  /// A pooling layer; see `Windows`.
  public init(_ window: Int, stride: Int? = nil) { windows = Windows(window, stride: stride) }

  public var summary: String { "max pooling \(windows.summary)" + activation.suffix }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    var plan = try windows.plan(context, summary)
    activation.plan(&plan)
    plan.keptPerSample = (plan.output.count + 3) / 4  // a byte each
    return plan
  }

  public func forward(_ pass: LayerPass) {
    pass.kernels.maxPoolingForward(
      windows.shape(pass.count, pass.input), x: pass.x, y: pass.y, choice: pass.keptBytes)
    activation.forward(pass)
  }

  public func backward(_ pass: LayerPass) {
    guard let dx = pass.dx else { return }
    activation.backward(pass)
    pass.kernels.maxPoolingBackward(
      windows.shape(pass.count, pass.input), dy: FloatsIn(pass.dy),
      choice: UnsafePointer(pass.keptBytes), dx: dx)
  }
}
