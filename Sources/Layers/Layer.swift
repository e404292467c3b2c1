// A layer is shapes and hyper-parameters. It owns no memory: before step 0 it says what it needs
// (`plan`), and every call hands it pointers into the network's arena and flat buffers (`LayerPass`).

import Basics
import Kernels

/// What a layer needs for a given input: its output, parameters and working memory.
public struct LayerPlan: Sendable {
  /// One sample's output.
  public var output: Shape
  /// Parameters in the order in which the layer addresses them.
  public var parameters: [ParameterRequest] = []
  /// Floats kept from forward to backward beside input and output, for the whole batch.
  public var kept = 0
  /// Floats used during one call and worthless afterwards; shared by all layers.
  public var scratch = 0
  /// The output is the input's own memory (a change of shape only).
  public var sharesInput = false
  /// What a composite layer planned for the layers within it.
  public var children: [LayerPlan] = []

  /// A plan for a layer without parameters.
  public init(output: Shape) { self.output = output }
}

/// One call of a layer: where everything lies. All arrays are (count, shape of one sample).
public struct LayerPass {
  /// What the layer planned.
  public let plan: LayerPlan
  /// Shape of one input sample.
  public let inputShape: Shape
  /// Where each of the layer's parameters lies in the flat buffers.
  public let ranges: [Range<Int>]
  /// The vector code.
  public let kernels: KernelTable
  /// Samples in this call, at most the planned batch.
  public internal(set) var count = 0
  /// Place of the first sample in the step's union batch (counter-based randomness).
  public internal(set) var offset = 0
  /// Whether a backward pass will follow.
  public internal(set) var isTraining = false
  /// The input.
  public internal(set) var x: FloatsIn
  /// The output.
  public internal(set) var y: FloatsOut
  /// Memory kept from forward to backward.
  public internal(set) var kept: FloatsOut
  /// Memory for the duration of the call.
  public internal(set) var scratch: FloatsOut
  /// The gradient of the output; a layer may overwrite it.
  public internal(set) var dy: FloatsOut
  /// Where the gradient of the input goes; nil where nobody needs it.
  public internal(set) var dx: FloatsOut?
  /// The flat parameters.
  public internal(set) var flatParameters: FloatsIn
  /// The flat gradients.
  public internal(set) var flatGradients: FloatsOut
  /// Told of finished gradient ranges.
  public internal(set) unowned(unsafe) var observer: (any GradientObserver)?

  /// The layer's parameter number `index`.
  public func parameter(_ index: Int) -> FloatsIn { flatParameters + ranges[index].lowerBound }

  /// The gradient of parameter number `index`, to be overwritten.
  public func gradient(_ index: Int) -> FloatsOut { flatGradients + ranges[index].lowerBound }

  /// Says that the gradients of all the layer's parameters are complete. Every layer that has
  /// parameters says so once per backward pass, as early as it can: that is when they travel.
  public func finishGradients() {
    guard let observer, let first = ranges.first, let last = ranges.last else { return }
    observer.finished(first.lowerBound..<last.upperBound)
  }

  /// Calls `body` with consecutive pieces of the samples, each of about half a millisecond's work,
  /// and between them lets communication move along.
  ///
  /// - Parameter operations: floating-point operations per sample.
  public func inPieces(operations: Int, _ body: (_ first: Int, _ count: Int) -> Void) {
    let piece = max(1, min(count, 50_000_000 / max(operations, 1)))
    var first = 0
    while first < count {
      body(first, min(piece, count - first))
      first += piece
      if first < count { observer?.pause() }
    }
  }
}

/// Hears about finished gradients during a backward pass.
public protocol GradientObserver: AnyObject {
  /// The loss is known; the backward pass begins.
  func evaluated(_ sum: LossSum)
  /// The gradients of `range` are complete; ranges come from the back of the buffer to its front.
  func finished(_ range: Range<Int>)
  /// A moment between two layers, or within a long one, in which communication may be moved along.
  func pause()
}

/// A layer does not fit its input.
public struct ShapeError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence that names the layer and the shapes.
  public let description: String

  /// - Parameters:
  ///   - layer: the layer's summary.
  ///   - input: what it was given.
  ///   - problem: what it would have needed.
  public init(layer: String, input: Shape, problem: String) {
    description = "\(layer) cannot take an input of \(input): \(problem)"
  }

  private init(description: String) { self.description = description }

  /// The same error with the layer's place in front.
  public func at(_ place: String) -> ShapeError {
    ShapeError(description: "layer \(place): \(description)")
  }
}

/// A differentiable function with parameters.
public protocol Layer: Sendable {
  /// What a person reads in a list of layers: `convolution 3x3, 32 channels`.
  var summary: String { get }
  /// What the layer needs for samples of `input`, `batch` of them at most.
  func plan(input: Shape, batch: Int, kernels: KernelTable) throws(ShapeError) -> LayerPlan
  /// y from x.
  func forward(_ pass: LayerPass)
  /// Parameter gradients (overwritten) and, where wanted, dx, from x, y, what was kept, and dy.
  func backward(_ pass: LayerPass)
}
