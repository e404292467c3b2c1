// Everything about a network that is settled before step 0: which operations run in which order, in
// groups of how many samples; where parameters lie in the flat buffers and values in the arena; and
// who adds to whose gradient.

import Basics
import Kernels

/// Where an array of values or gradients lies.
struct Place {
  /// Offset in the arena; nil: the batch's own memory.
  var offset: Int?
  /// Bytes per sample.
  var stride: Int
  /// Whether all samples of a batch have their places; else those under way share the memory.
  var holdsBatch: Bool
}

/// One operation's part of the plan.
struct PlannedOperation {
  let name, prefix: String
  /// The layer's number as a person wrote it, fused or not.
  let number: Int
  let layer: any Layer
  let plan: LayerPlan
  let inputs: [Shape]
  /// The layer's parameters in the flat buffers.
  var ranges: [Range<Int>] = []
  var x, y: Place
  var second: Place?
  /// Gradients; nil where nobody needs them.
  var dy: Place
  var dx, dsecond: Place?
  var adds = false, addsSecond = false
  /// Where dx is computed first, because the layer cannot add.
  var sum: Place?
  var kept = 0, keptSamples = 0
}

/// The plan of a network for batches of at most `capacity` samples, which go forward and back in
/// micro-batches.
struct NetworkPlan {
  private(set) var operations: [PlannedOperation] = []
  private(set) var forward: [LayerGroup] = []
  private(set) var backward: [LayerGroup] = []
  private(set) var arena = ArenaPlan()
  private(set) var scratch = 0
  /// The gradient of the network's input, where it is wanted.
  private(set) var inputGradient: Place?
  let input, output: Shape
  let capacity: Int
  /// Samples that go all the way, forward and back, before the next ones do.
  let microBatch: Int

  private static let noPlace = Place(offset: nil, stride: 0, holdsBatch: true)

  /// Plans `part`; `place` gives its parameters their places.
  ///
  /// - Parameter isPart: others come between forward and backward, which a whole batch goes through.
  /// - Throws: `ShapeError` naming the first layer that does not fit what comes before it.
  init(
    _ part: any NetworkPart, input: Shape, capacity: Int, convolution: ConvolutionChoice,
    cacheBytes: Int, isPart: Bool = false, wantsInputGradient: Bool = false, kernels: KernelTable
  ) throws(ShapeError) {
    precondition(capacity > 0, "a network needs room for at least one sample")
    var graph = try Graph(
      part, input: input, wantsInputGradient: wantsInputGradient, convolution: convolution,
      kernels: kernels)
    guard !graph.operations.isEmpty else { throw ShapeError("a network needs at least one layer") }
    guard graph.wantsGradient(of: graph.output) else {
      throw ShapeError("no layer of the network has anything to train")
    }
    graph.fuse()
    self.capacity = capacity
    (self.input, output) = (graph.shape(of: graph.input), graph.shape(of: graph.output))
    microBatch =
      isPart
      ? capacity : try graph.samplesPerMicroBatch(capacity, budget: 8 * cacheBytes)
    for operation in graph.operations {
      let plan = try graph.plan(
        operation.layer, operation.inputs, batch: microBatch, name: operation.name)
      operations.append(
        PlannedOperation(
          name: operation.name, prefix: operation.prefix, number: operation.number,
          layer: operation.layer, plan: plan, inputs: operation.inputs.map(graph.shape(of:)),
          x: Self.noPlace, y: Self.noPlace, dy: Self.noPlace))
    }
    var flow = ValueFlow(graph, operations.map(\.plan))
    forward = layerGroups(flow.forwardNeeds, capacity: microBatch, budget: cacheBytes)
    backward = layerGroups(flow.backwardNeeds, capacity: microBatch, budget: cacheBytes)
    flow.follow(forward: forward, backward: backward)
    placeArrays(flow, graph, capacity: microBatch)
  }

  /// Puts the parameters of `plans` into one layout: first all that is trained, in forward order,
  /// then statistics.
  ///
  /// - Parameter plans: the plans, what their parameters' names begin with, and the factors on their
  ///   learning rates.
  static func place(_ plans: inout [(name: String, rate: Float, plan: NetworkPlan)])
    -> ParameterLayout
  {
    var layout = ParameterLayout()
    for isTrained in [true, false] {
      for number in plans.indices {
        let (name, rate, _) = plans[number]
        plans[number].plan.append(to: &layout, isTrained: isTrained, name, rate)
      }
    }
    return layout
  }

  private mutating func append(
    to layout: inout ParameterLayout, isTrained: Bool, _ name: String, _ rate: Float
  ) {
    for index in operations.indices {
      let prefix = joinedName(name, operations[index].prefix)
      operations[index].ranges += operations[index].plan.parameters
        .filter { ($0.role == .trained) == isTrained }
        .map { layout.append($0, prefix: prefix, rate: rate) }
    }
  }

  private mutating func placeArrays(_ flow: ValueFlow, _ graph: Graph, capacity: Int) {
    let always = 0...flow.end
    var blocks: [ArrayID: (block: Int, holdsBatch: Bool)] = [:]
    for (id, life) in flow.lives.sorted(by: { $0.key < $1.key }) {
      let samples = life.group(forward, backward).map { min(capacity, $0.samples) }
      let floats = flow.bytes(of: id) / 4 * (samples ?? capacity)
      blocks[id] = (arena.reserve(floats, during: life.moments), samples == nil)
    }
    let own = operations.map { operation in
      (
        once: arena.reserve(operation.plan.kept, during: always),
        perSample: arena.reserve(operation.plan.keptPerSample * capacity, during: always)
      )
    }
    let longest = backward.map { group in
      group.samples * group.looks.map { flow.longestSum($0.operation) }.max()!
    }
    let sum = arena.reserve(longest.max() ?? 0, during: always)
    let scratch = arena.reserve(operations.map(\.plan.scratch).max() ?? 0, during: always)
    arena.place()
    self.scratch = arena.offset(of: scratch)
    func place(_ id: ArrayID) -> Place? {
      blocks[id].map {
        Place(
          offset: arena.offset(of: $0.block), stride: flow.bytes(of: id), holdsBatch: $0.holdsBatch)
      }
    }
    let batch = Place(offset: nil, stride: input.bytesPerSample, holdsBatch: true)
    for (index, operation) in graph.operations.enumerated() {
      operations[index].x = place(flow.value(operation.inputs[0])) ?? batch
      operations[index].second = operation.inputs.dropFirst().first.map {
        place(flow.value($0)) ?? batch
      }
      operations[index].y = place(flow.value(operation.output)) ?? batch
      operations[index].kept = arena.offset(of: own[index].once)
      operations[index].keptSamples = arena.offset(of: own[index].perSample)
      if let dy = place(flow.gradient(operation.output)) { operations[index].dy = dy }
      let wants = flow.wishes[index]
      operations[index].dx = wants.dx ? place(flow.gradient(operation.inputs[0])) : nil
      operations[index].dsecond = wants.dsecond ? place(flow.gradient(operation.inputs[1])) : nil
      (operations[index].adds, operations[index].addsSecond) = (wants.adds, wants.addsSecond)
      if wants.adds && !operations[index].plan.canAdd {
        operations[index].sum = Place(
          offset: arena.offset(of: sum), stride: operations[index].inputs[0].count * 4,
          holdsBatch: false)
      }
    }
    inputGradient = place(flow.gradient(graph.input))
  }
}
