// A network bound to memory: layers with a loss behind them. Parameters and gradients lie in flat
// buffers that others own; everything else lies in one arena that is planned before step 0 and
// allocated by the first pass, so that a training step allocates nothing.

import Basics
import Kernels

/// A network bound to an input shape, a largest batch, and an instruction set.
public final class Network: Model {
  public let layout: ParameterLayout
  public let capacity: Int
  /// One input sample, and one output sample.
  public let input, output: Shape

  let plan: NetworkPlan
  private let loss: any Loss
  private let kernels: KernelTable
  /// Both made by the first pass, so that a plan can be looked at without the memory for it.
  private var arena: FloatBuffer?
  private var passes: [LayerPass] = []
  private var trace: Trace?
  private var spanNames: [(forward: Int32, backward: Int32)] = []

  /// Plans `part` for batches of at most `capacity` samples of `input`.
  ///
  /// - Parameters:
  ///   - convolution: how convolutions are computed.
  ///   - cacheBytes: what samples that go through layers together may take of the second-level cache.
  ///     Other sizes cut sums over samples in other places: results differ by rounding.
  /// - Throws: `ShapeError` naming the first layer that does not fit what comes before it.
  public convenience init(
    _ part: any NetworkPart, loss: any Loss = SoftmaxCrossEntropy(), input: Shape, capacity: Int,
    convolution: ConvolutionChoice = .automatic, cacheBytes: Int = 384 << 10,
    kernels: KernelTable
  ) throws(ShapeError) {
    var plans = [
      (
        name: "", rate: Float(1),
        plan: try NetworkPlan(
          part, input: input, capacity: capacity, convolution: convolution, cacheBytes: cacheBytes,
          kernels: kernels)
      )
    ]
    let layout = NetworkPlan.place(&plans)
    self.init(plans[0].plan, layout, loss: loss, kernels: kernels)
  }

  /// A network whose parameters have their places in `layout`.
  init(_ plan: NetworkPlan, _ layout: ParameterLayout, loss: any Loss, kernels: KernelTable) {
    (self.plan, self.layout, self.loss, self.kernels) = (plan, layout, loss, kernels)
    (capacity, input, output) = (plan.capacity, plan.input, plan.output)
  }

  /// The same for layers as a list of statements:
  /// `Network(input: input, capacity: 64, kernels: kernels) { Flatten(); Dense(10) }`.
  public convenience init(
    input: Shape, loss: any Loss = SoftmaxCrossEntropy(), capacity: Int,
    convolution: ConvolutionChoice = .automatic, kernels: KernelTable,
    @NetworkBuilder _ parts: () -> [any NetworkPart]
  ) throws(ShapeError) {
    try self.init(
      Sequential(parts()), loss: loss, input: input, capacity: capacity, convolution: convolution,
      kernels: kernels)
  }

  public var targetKind: TargetKind { loss.targetKind }
  public var targetsPerSample: Int { loss.targets(per: output) }

  public var classes: Int? { loss.targetKind == .classes ? output.dimensions.last : nil }
  public var samplesPerMicroBatch: Int { plan.microBatch }

  /// Floats of working memory: activations, their gradients, scratch.
  public var arenaCount: Int { plan.arena.count }

  /// Records each layer's passes from now on.
  public func record(in trace: Trace?) {
    self.trace = trace
    spanNames = plan.operations.compactMap { operation in
      let name = "\(operation.name) \(operation.layer.summary)"
      return trace.map { ($0.number(of: "forward " + name), $0.number(of: "backward " + name)) }
    }
  }

  // MARK: Passes

  private var memory: FloatsOut { arena!.pointer }

  /// The samples `part` of the batch under way, from their number `first` on, at `place`.
  private func pointer(_ place: Place, _ first: Int, _ part: Range<Int>) -> FloatsOut {
    if let offset = place.offset {
      return memory + (offset + (place.holdsBatch ? first * place.stride / 4 : 0))
    }
    // Never written through: a layer that shares its input leaves it alone.
    let skipped = (part.lowerBound + first) * place.stride
    return UnsafeMutableRawPointer(mutating: passes[0].batch.inputs + skipped)
      .assumingMemoryBound(to: Float.self)
  }

  /// Calls `body` with the micro-batches of `batch`.
  private func forEachMicroBatch(_ batch: Batch, _ body: (Range<Int>) -> Void) {
    precondition(batch.count <= capacity, "the batch is larger than the network was planned for")
    var first = 0
    while first < batch.count {
      let end = min(first + plan.microBatch, batch.count)
      body(first..<end)
      first = end
    }
  }

  /// Lets samples go through `groups`, a few at a time.
  private func run(
    _ groups: [LayerGroup], _ part: Range<Int>, _ body: (Look, _ first: Int, _ count: Int) -> Void
  ) {
    for group in groups {
      var first = 0
      while first < part.count {
        let few = min(group.samples, part.count - first)
        for look in group.looks { body(look, first, few) }
        first += few
      }
    }
  }

  /// Tells all layers what the passes to come are about.
  private func begin(
    _ batch: Batch, at parameters: FloatsIn, into gradients: FloatsOut? = nil
  ) {
    if arena == nil {
      arena = FloatBuffer(count: plan.arena.count)
      passes = plan.operations.map {
        LayerPass($0, arena: memory, scratch: plan.scratch, kernels: kernels)
      }
    }
    for index in passes.indices {
      passes[index].batch = batch
      passes[index].isTraining = gradients != nil
      passes[index].flatParameters = parameters
      if let gradients { passes[index].flatGradients = gradients }
    }
  }

  /// The outputs of a micro-batch.
  private func forward(_ part: Range<Int>) -> FloatsOut {
    run(plan.forward, part) { look, first, count in
      bind(look, first, count, part)
      let start = trace.start
      plan.operations[look.operation].layer.forward(passes[look.operation])
      trace?.record(forwardName(look), Trace.Track.work, since: start)
    }
    return pointer(plan.operations.last!.y, 0, part)
  }

  private func forwardName(_ look: Look) -> Int32 { spanNames[look.operation].forward }

  private func bind(_ look: Look, _ first: Int, _ count: Int, _ part: Range<Int>) {
    let index = look.operation
    let operation = plan.operations[index]
    (passes[index].count, passes[index].phase) = (count, look.phase)
    (passes[index].first, passes[index].microBatch) = (part.lowerBound + first, part.lowerBound)
    passes[index].x = FloatsIn(pointer(operation.x, first, part))
    passes[index].second = operation.second.map { FloatsIn(pointer($0, first, part)) }
    passes[index].y = pointer(operation.y, first, part)
    passes[index].keptSamples =
      memory + operation.keptSamples + first * operation.plan.keptPerSample
  }

  /// The loss of a micro-batch and, where wanted, factor times its gradient.
  private func value(
    _ part: Range<Int>, _ outputs: FloatsIn, factor: Float = 1, gradient: FloatsOut? = nil
  ) -> LossSum {
    loss.value(
      count: part.count, output: output, outputs: outputs,
      targets: passes[0].batch.targets + part.lowerBound * targetsPerSample, factor: factor,
      gradient: gradient, kernels: kernels)
  }

  public func evaluate(_ batch: Batch, at parameters: FloatsIn) -> LossSum {
    var total = LossSum()
    begin(batch, at: parameters)
    forEachMicroBatch(batch) { total.add(value($0, FloatsIn(forward($0)))) }
    return total
  }

  /// The outputs for a batch: (count, output shape), valid until the next call. Where batches go through
  /// in micro-batches, memory for all outputs is allocated by the first call.
  public func outputs(for batch: Batch, at parameters: FloatsIn) -> FloatsIn {
    begin(batch, at: parameters)
    if plan.microBatch == capacity { return FloatsIn(forward(0..<batch.count)) }
    forEachMicroBatch(batch) { part in
      (allOutputs.pointer + part.lowerBound * output.count)
        .update(from: forward(part), count: part.count * output.count)
    }
    return FloatsIn(allOutputs.pointer)
  }

  private lazy var allOutputs = FloatBuffer(count: capacity * output.count)

  public func gradient(
    of batch: Batch, at parameters: FloatsIn, into gradients: FloatsOut,
    observer: (any GradientObserver)?
  ) -> LossSum {
    guard batch.count > 0 else {
      gradients.update(repeating: 0, count: layout.count)
      observer?.evaluated(LossSum())
      observer?.finished(0..<layout.count)
      return LossSum()
    }
    let factor = 1 / Float(batch.globalCount * targetsPerSample)
    var total = LossSum()
    begin(batch, at: parameters, into: gradients)
    forEachMicroBatch(batch) { part in
      let outputs = forward(part)
      total.add(value(part, FloatsIn(outputs), factor: factor, gradient: outputGradient))
      if part.upperBound == batch.count {
        observer?.evaluated(total)
        if !layout.statistics.isEmpty { observer?.finished(layout.statistics) }
      }
      backward(part, observer)
    }
    return total
  }

  // MARK: Parts of a gradient, for objectives of several networks

  /// The outputs for a batch as training sees them; statistics of the batch go into `gradients`. For
  /// plans of parts, whose batches go through in one micro-batch.
  func trainingOutputs(
    for batch: Batch, at parameters: FloatsIn, into gradients: FloatsOut
  ) -> FloatsIn {
    begin(batch, at: parameters, into: gradients)
    return FloatsIn(forward(0..<batch.count))
  }

  /// Where the gradient of the outputs is to be put before `backward`.
  var outputGradient: FloatsOut { memory + plan.operations.last!.dy.offset! }

  /// The gradient of the inputs, where the plan wants one, after `backward`.
  var inputGradient: FloatsIn { FloatsIn(memory + plan.inputGradient!.offset!) }

  /// Goes back through the layers of the last `trainingOutputs`.
  func backward(_ batch: Batch) { backward(0..<batch.count, nil) }

  private func backward(_ part: Range<Int>, _ observer: (any GradientObserver)?) {
    run(plan.backward, part) { look, first, count in
      bind(look, first, count, part)
      let index = look.operation
      let operation = plan.operations[index]
      let dx = operation.dx.map { pointer($0, first, part) }
      let sum = operation.sum.map { pointer($0, first, part) }
      passes[index].dy = pointer(operation.dy, first, part)
      passes[index].dx = sum ?? dx
      passes[index].dsecond = operation.dsecond.map { pointer($0, first, part) }
      passes[index].observer = observer
      let start = trace.start
      operation.layer.backward(passes[index])
      let isLastPhase = look.phase == operation.plan.backwardPhases - 1
      if let dx, isLastPhase {
        let floats = count * operation.inputs[0].count
        if operation.plan.sharesInput {
          passes[index].handOn(passes[index].dy, floats, to: dx, adds: operation.adds)
        } else if let sum {
          kernels.add(floats, x: FloatsIn(sum), y: dx)
        }
      }
      trace?.record(spanNames[index].backward, Trace.Track.work, since: start)
      passes[index].observer = nil
      observer?.pause()
    }
  }
}
