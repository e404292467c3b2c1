// A layer is shapes and hyper-parameters. It owns no memory: before step 0 it says what it needs
// (`plan`), and every call hands it pointers into the network's arena and flat buffers (`LayerPass`).
//
// The network calls layers with a few samples at a time, small enough for what they exchange to stay
// in the second-level cache, and goes through several layers with them before it takes the next few.

import Basics
import Kernels

/// A differentiable function with parameters.
public protocol Layer: NetworkPart {
  /// What a person reads in a list of layers: `convolution 3x3, 32 channels`.
  var summary: String { get }
  /// What the layer needs for such inputs.
  func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan
  /// y from x. A layer with several phases reads its input in each of them, and computes y in the last.
  func forward(_ pass: LayerPass)
  /// Parameter gradients (overwritten by the first few samples, added to by the others) and, where
  /// wanted, dx, from x, y, what was kept, and dy. A layer with several phases computes dx in the last.
  func backward(_ pass: LayerPass)
}

/// What a layer's plan depends on.
public struct PlanContext {
  /// One sample of each input.
  public var inputs: [Shape]
  /// Most samples per call.
  public var batch: Int
  /// The vector code.
  public var kernels: KernelTable
  /// How convolutions are computed where the layer leaves it open.
  public var convolution = ConvolutionChoice.automatic

  /// A context.
  public init(inputs: [Shape], batch: Int, kernels: KernelTable) {
    (self.inputs, self.batch, self.kernels) = (inputs, batch, kernels)
  }

  /// One sample of the first input.
  public var input: Shape { inputs[0] }
}

/// What a layer needs for a given input: its output, parameters and working memory.
public struct LayerPlan {
  /// One sample's output.
  public var output: Shape
  /// Parameters in the order in which the layer addresses them; statistics behind what is trained.
  public var parameters: [ParameterRequest] = []
  /// Floats kept from forward to backward beside input and output, per sample.
  public var keptPerSample = 0
  /// The same, once.
  public var kept = 0
  /// Floats used during one call and worthless afterwards; shared by all layers.
  public var scratch = 0
  /// The output is the input's own memory (a change of shape only).
  public var sharesInput = false
  /// Times that the layer looks at all samples, forward and backward: a batch norm needs the mean
  /// before it can normalise.
  public var forwardPhases = 1, backwardPhases = 1
  /// Whether backward reads the input, and the output.
  public var keepsInput = true, keepsOutput = true
  /// The gradient of the second input is that of the output, as backward leaves it.
  public var passesGradientOn = false
  /// Backward can add to dx instead of overwriting it.
  public var canAdd = false
  /// Fewest samples per call that are worth a call: weights must be used often enough.
  public var fewestSamples = 1
  /// Floating-point operations per sample, forward.
  public var operations = 0
  /// How a convolution is computed.
  public var convolution = ConvolutionMethod.direct
  /// How it is computed, for a person.
  public var kernel = ""

  /// A plan for a layer without parameters.
  public init(output: Shape) { self.output = output }
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
