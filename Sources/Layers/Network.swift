// A network bound to memory: layers with a loss behind them. Parameters and gradients lie in flat
// buffers that others own; everything else lies in one arena that is planned and allocated before
// step 0, so that a training step allocates nothing.

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
  private let arena: FloatBuffer
  private let kernels: KernelTable
  private var passes: [LayerPass] = []
  private var trace: Trace?
  private var spanNames: [(forward: Int32, backward: Int32)] = []

  /// Plans `part` for batches of at most `capacity` samples of `input`.
  ///
  /// - Parameters:
  ///   - convolution: how convolutions are computed.
  ///   - cacheBytes: what samples that go through layers together may take of the second-level cache.
  ///     Other sizes cut sums over samples in other places: results differ by rounding.
  ///   - wantsInputGradient: whether `inputGradient` will be asked for.
  /// - Throws: `ShapeError` naming the first layer that does not fit what comes before it.
  public convenience init(
    _ part: any NetworkPart, loss: any Loss = SoftmaxCrossEntropy(), input: Shape, capacity: Int,
    convolution: ConvolutionChoice = .automatic, cacheBytes: Int = 384 << 10,
    wantsInputGradient: Bool = false, kernels: KernelTable
  ) throws(ShapeError) {
    var plans = [
      (
        name: "", rate: Float(1),
        plan: try NetworkPlan(
          part, input: input, capacity: capacity, convolution: convolution, cacheBytes: cacheBytes,
          wantsInputGradient: wantsInputGradient, kernels: kernels)
      )
    ]
    let layout = NetworkPlan.place(&plans)
    self.init(plans[0].plan, layout, loss: loss, kernels: kernels)
  }

  /// A network whose parameters have their places in `layout`.
  init(_ plan: NetworkPlan, _ layout: ParameterLayout, loss: any Loss, kernels: KernelTable) {
    (self.plan, self.layout, self.loss, self.kernels) = (plan, layout, loss, kernels)
    (capacity, input, output) = (plan.capacity, plan.input, plan.output)
    arena = FloatBuffer(count: plan.arena.count)
    for (number, operation) in plan.operations.enumerated() {
      passes.append(
        LayerPass(
          operation, number: number, arena: arena.pointer, scratch: plan.scratch, kernels: kernels))
    }
  }

  /// The same for layers one behind the other.
  public convenience init(
    _ layers: [any NetworkPart], loss: any Loss = SoftmaxCrossEntropy(), input: Shape,
    capacity: Int, convolution: ConvolutionChoice = .automatic, cacheBytes: Int = 384 << 10,
    kernels: KernelTable
  ) throws(ShapeError) {
    try self.init(
      Sequential(layers), loss: loss, input: input, capacity: capacity, convolution: convolution,
      cacheBytes: cacheBytes, kernels: kernels)
  }

  public var targetKind: TargetKind { loss.targetKind }
  public var targetsPerSample: Int { loss.targets(per: output) }

  /// Floats of working memory: activations, their gradients, scratch.
  public var arenaCount: Int { arena.count }

  /// Records each layer's passes from now on.
  public func record(in trace: Trace?) {
    self.trace = trace
    spanNames = plan.operations.compactMap { operation in
      let name = "\(operation.name) \(operation.layer.summary)"
      return trace.map { ($0.number(of: "forward " + name), $0.number(of: "backward " + name)) }
    }
  }

  // MARK: Passes

  /// Where the samples from `first` on lie.
  private func pointer(_ place: Place, _ first: Int, _ batch: Batch) -> FloatsOut {
    let skipped = place.holdsBatch ? first * place.stride : 0
    if let offset = place.offset { return arena.pointer + offset + skipped / 4 }
    // Never written through: a layer that shares its input leaves it alone.
    return UnsafeMutableRawPointer(mutating: batch.inputs + skipped)
      .assumingMemoryBound(to: Float.self)
  }

  /// Lets batches' samples go through `segments`, a few at a time.
  private func run(_ segments: [Segment], _ count: Int, _ body: (Step, _ first: Int, Int) -> Void) {
    for segment in segments {
      var first = 0
      while first < count {
        let few = min(segment.samples, count - first)
        for step in segment.steps { body(step, first, few) }
        first += few
      }
    }
  }

  private func forward(_ batch: Batch, at parameters: FloatsIn, isTraining: Bool) -> FloatsOut {
    precondition(batch.count <= capacity, "the batch is larger than the network was planned for")
    for index in passes.indices {
      passes[index].batch = batch
      passes[index].isTraining = isTraining
      passes[index].flatParameters = parameters
    }
    run(plan.forward, batch.count) { step, first, count in
      bind(step, first, count, batch)
      let start = trace.start
      plan.operations[step.operation].layer.forward(passes[step.operation])
      trace?.record(forwardName(step), Trace.Track.work, since: start)
    }
    return pointer(plan.operations.last!.y, 0, batch)
  }

  private func forwardName(_ step: Step) -> Int32 { spanNames[step.operation].forward }

  private func bind(_ step: Step, _ first: Int, _ count: Int, _ batch: Batch) {
    let index = step.operation
    let operation = plan.operations[index]
    (passes[index].first, passes[index].count, passes[index].phase) = (first, count, step.phase)
    passes[index].x = FloatsIn(pointer(operation.x, first, batch))
    passes[index].second = operation.second.map { FloatsIn(pointer($0, first, batch)) }
    passes[index].y = pointer(operation.y, first, batch)
    passes[index].keptSamples =
      arena.pointer + operation.keptSamples + first * operation.plan.keptPerSample
  }

  public func evaluate(_ batch: Batch, at parameters: FloatsIn) -> LossSum {
    guard batch.count > 0 else { return LossSum() }
    let outputs = forward(batch, at: parameters, isTraining: false)
    return loss.value(
      count: batch.count, output: output, outputs: outputs, targets: batch.targets, factor: 1,
      gradient: nil, kernels: kernels)
  }

  /// The outputs for a batch: (count, output shape), valid until the next call.
  public func outputs(for batch: Batch, at parameters: FloatsIn) -> FloatsIn {
    UnsafePointer(forward(batch, at: parameters, isTraining: false))
  }

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
    let outputs = trainingOutputs(for: batch, at: parameters, into: gradients)
    let result = loss.value(
      count: batch.count, output: output, outputs: outputs, targets: batch.targets,
      factor: 1 / Float(batch.globalCount * targetsPerSample),
      gradient: outputGradient, kernels: kernels)
    observer?.evaluated(result)
    if !layout.statistics.isEmpty { observer?.finished(layout.statistics) }
    backward(batch, observer)
    return result
  }

  // MARK: Parts of a gradient, for objectives of several networks

  /// The outputs for a batch as training sees them; statistics of the batch go into `gradients`.
  func trainingOutputs(
    for batch: Batch, at parameters: FloatsIn, into gradients: FloatsOut
  ) -> FloatsIn {
    for index in passes.indices { passes[index].flatGradients = gradients }
    return FloatsIn(forward(batch, at: parameters, isTraining: true))
  }

  /// Where the gradient of the outputs is to be put before `backward`.
  var outputGradient: FloatsOut { arena.pointer + plan.operations.last!.dy.offset! }

  /// The gradient of the inputs, where the plan wants one, after `backward`.
  var inputGradient: FloatsIn { FloatsIn(arena.pointer + plan.inputGradient!.offset!) }

  /// Goes back through the layers of the last `trainingOutputs`.
  func backward(_ batch: Batch, _ observer: (any GradientObserver)?) {
    run(plan.backward, batch.count) { step, first, count in
      bind(step, first, count, batch)
      let index = step.operation
      let operation = plan.operations[index]
      let dx = operation.dx.map { pointer($0, first, batch) }
      let sum = operation.sum.map { pointer($0, first, batch) }
      passes[index].dy = pointer(operation.dy, first, batch)
      passes[index].dx = sum ?? dx
      passes[index].dsecond = operation.dsecond.map { pointer($0, first, batch) }
      passes[index].observer = observer
      let start = trace.start
      operation.layer.backward(passes[index])
      let isLastPhase = step.phase == operation.plan.backwardPhases - 1
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
