// A sequence of layers with a loss behind it, and the memory for running it. Parameters and
// gradients lie in flat buffers that others own; activations lie in one arena that is planned and
// allocated before step 0, so that a training step allocates nothing.

import Basics
import Kernels

/// A network bound to an input shape, a largest batch, and an instruction set.
public final class Network: Objective {
  public let layout: ParameterLayout
  public let capacity: Int
  /// One input sample, and one output sample.
  public let input, output: Shape

  private let layers: [PlacedLayer]
  private let loss: any Loss
  private let arena: FloatBuffer
  private var passes: [LayerPass] = []
  private var trace: Trace?
  private var spanNames: [(forward: Int32, backward: Int32)] = []

  /// Plans `layers` for batches of at most `capacity` samples of `input`.
  ///
  /// - Throws: `ShapeError` naming the first layer that does not fit what comes before it.
  public init(
    _ layers: [any Layer], loss: any Loss = SoftmaxCrossEntropy(), input: Shape, capacity: Int,
    kernels: KernelTable
  ) throws(ShapeError) {
    precondition(capacity > 0, "a network needs room for at least one sample")
    let layers = fuse(layers, input: input, kernels: kernels)
    var planned: [(input: Shape, plan: LayerPlan, ranges: [Range<Int>])] = []
    var shape = input
    var arenaPlan = ArenaPlan()
    var layout = ParameterLayout()
    for (index, placed) in layers.enumerated() {
      let plan: LayerPlan
      do throws(ShapeError) {
        plan = try placed.layer.plan(input: shape, batch: capacity, kernels: kernels)
      } catch { throw error.at("\(placed.place) (\(placed.layer.summary))") }
      let prefix = String(placed.place)
      let ranges = plan.parameters.map { layout.append($0, prefix: prefix) }
      let needsGradient = planned.contains { !$0.ranges.isEmpty }
      arenaPlan.append(
        plan, isFirst: index == 0, capacity: capacity,
        inputGradient: needsGradient ? capacity * shape.count : nil)
      planned.append((shape, plan, ranges))
      shape = plan.output
    }
    arenaPlan.close(outputGradient: capacity * shape.count)
    (self.layers, self.loss, self.capacity) = (layers, loss, capacity)
    (self.input, self.output, self.layout) = (input, shape, layout)
    arena = FloatBuffer(count: arenaPlan.count)
    let base = arena.pointer
    for (planned, place) in zip(planned, arenaPlan.places) {
      passes.append(
        LayerPass(
          plan: planned.plan, inputShape: planned.input, ranges: planned.ranges, kernels: kernels,
          x: UnsafePointer(base + (place.input ?? 0)), y: base + (place.output ?? 0),
          kept: base + place.kept, scratch: base + arenaPlan.scratch,
          dy: base + place.outputGradient, dx: place.inputGradient.map { base + $0 },
          flatParameters: UnsafePointer(base), flatGradients: base, observer: nil))
    }
    readsInput = arenaPlan.places.map { $0.input == nil }
    writesInput = arenaPlan.places.map { $0.output == nil }
  }

  /// Layers that read the batch itself, and those whose output is the batch itself.
  private let readsInput, writesInput: [Bool]

  /// Targets that one sample has.
  public var targetsPerSample: Int { loss.targets(per: output) }

  /// One line per layer as it runs: place, summary, output shape, parameters.
  public var summary: [(place: Int, layer: String, output: Shape, parameters: Int)] {
    zip(layers, passes).map { placed, pass in
      (
        placed.place, placed.layer.summary, pass.plan.output,
        pass.ranges.reduce(0) { $0 + $1.count }
      )
    }
  }

  /// Floats of working memory: activations, their gradients, scratch.
  public var arenaCount: Int { arena.count }

  private func forward(_ batch: Batch, at parameters: FloatsIn, isTraining: Bool) -> FloatsOut {
    precondition(batch.count <= capacity, "the batch is larger than the network was planned for")
    let inputs = batch.inputs.assumingMemoryBound(to: Float.self)
    for index in passes.indices {
      passes[index].count = batch.count
      passes[index].offset = batch.offset
      passes[index].isTraining = isTraining
      passes[index].flatParameters = parameters
      if readsInput[index] { passes[index].x = inputs }
      // Never written through: a layer that shares its input leaves it alone.
      if writesInput[index] { passes[index].y = UnsafeMutablePointer(mutating: inputs) }
      let start = trace.start
      layers[index].layer.forward(passes[index])
      trace?.record(spanNames[index].forward, Trace.Track.work, since: start)
    }
    return passes[passes.count - 1].y
  }

  /// Records each layer's passes from now on.
  public func record(in trace: Trace?) {
    self.trace = trace
    spanNames = layers.compactMap { placed in
      let name = "\(placed.place) \(placed.layer.summary)"
      return trace.map { ($0.number(of: "forward " + name), $0.number(of: "backward " + name)) }
    }
  }

  public func evaluate(_ batch: Batch, at parameters: FloatsIn) -> LossSum {
    guard batch.count > 0 else { return LossSum() }
    let outputs = forward(batch, at: parameters, isTraining: false)
    return loss.value(
      count: batch.count, output: output, outputs: outputs, targets: batch.targets, factor: 1,
      gradient: nil, kernels: passes[0].kernels)
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
      for pass in passes.reversed() where !pass.ranges.isEmpty {
        observer?.finished(pass.ranges.first!.lowerBound..<pass.ranges.last!.upperBound)
      }
      return LossSum()
    }
    let outputs = forward(batch, at: parameters, isTraining: true)
    let last = passes.count - 1
    let result = loss.value(
      count: batch.count, output: output, outputs: outputs, targets: batch.targets,
      factor: 1 / Float(batch.globalCount * targetsPerSample), gradient: passes[last].dy,
      kernels: passes[last].kernels)
    observer?.evaluated(result)
    for index in passes.indices.reversed() {
      // Below the first layer with parameters nothing is left to do.
      if passes[index].ranges.isEmpty && passes[index].dx == nil { continue }
      passes[index].flatGradients = gradients
      passes[index].observer = observer
      let start = trace.start
      layers[index].layer.backward(passes[index])
      trace?.record(spanNames[index].backward, Trace.Track.work, since: start)
      passes[index].observer = nil
      observer?.pause()
    }
    return result
  }
}
