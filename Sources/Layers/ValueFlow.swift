// Which arrays a network's passes read and write, which of them are one and the same, and from when
// to when each is needed.

import Basics

/// A value, or the gradient of one.
struct ArrayID: Hashable, Comparable {
  var isGradient: Bool
  var value: Int

  static func < (a: ArrayID, b: ArrayID) -> Bool {
    (a.isGradient ? 1 : 0, a.value) < (b.isGradient ? 1 : 0, b.value)
  }
}

/// The moments at which an array is needed: the groups of the forward pass, the loss, the groups of
/// the backward pass, and what comes after it.
struct Life {
  var moments: ClosedRange<Int>

  mutating func extend(to moment: Int) {
    moments = min(moments.lowerBound, moment)...max(moments.upperBound, moment)
  }

  /// The one group that it is confined to.
  func group(_ forward: [LayerGroup], _ backward: [LayerGroup]) -> LayerGroup? {
    guard moments.count == 1, moments.lowerBound != forward.count else { return nil }
    let moment = moments.lowerBound
    return moment < forward.count ? forward[moment] : backward[moment - forward.count - 1]
  }
}

/// Arrays of a graph.
struct ValueFlow {
  /// What an operation's backward pass writes.
  struct Wish {
    var dx = false, dsecond = false
    var adds = false, addsSecond = false
  }

  private let graph: Graph
  private let plans: [LayerPlan]
  /// Values, and gradients, whose memory is another's.
  private var alias: [ArrayID: ArrayID] = [:]
  /// Per operation.
  private(set) var wishes: [Wish]
  /// Per array that needs memory.
  private(set) var lives: [ArrayID: Life] = [:]
  /// The last moment.
  private(set) var end = 0

  init(_ graph: Graph, _ plans: [LayerPlan]) {
    (self.graph, self.plans) = (graph, plans)
    wishes = Array(repeating: Wish(), count: plans.count)
    for (operation, plan) in zip(graph.operations, plans) where plan.sharesInput {
      alias[id(operation.output, false)] = id(operation.inputs[0], false)
    }
    settleGradients()
  }

  private func id(_ value: Graph.Value, _ isGradient: Bool) -> ArrayID {
    ArrayID(isGradient: isGradient, value: value.number)
  }

  private func root(_ array: ArrayID) -> ArrayID { alias[array].map(root) ?? array }

  /// The array of a value.
  func value(_ value: Graph.Value) -> ArrayID { root(id(value, false)) }
  /// The array of a value's gradient.
  func gradient(_ value: Graph.Value) -> ArrayID { root(id(value, true)) }

  /// Bytes per sample.
  func bytes(of array: ArrayID) -> Int {
    let shape = graph.shape(of: Graph.Value(number: array.value))
    return array.isGradient ? 4 * shape.count : shape.bytesPerSample
  }

  /// Floats per sample of a gradient that is computed apart before it is added.
  func longestSum(_ operation: Int) -> Int {
    wishes[operation].adds && !plans[operation].canAdd
      ? graph.shape(of: graph.operations[operation].inputs[0]).count : 0
  }

  /// Whether an operation takes part in the backward pass.
  private func isBackward(_ index: Int) -> Bool {
    graph.wantsGradient(of: graph.operations[index].output)
  }

  /// Goes through the operations from the back: the first who writes a gradient overwrites what is
  /// there, the others add to it; where it can be, the gradient handed on is the same memory.
  private mutating func settleGradients() {
    var written: Set<ArrayID> = []
    for index in graph.operations.indices.reversed() where isBackward(index) {
      let operation = graph.operations[index]
      let plan = plans[index]
      if let second = operation.inputs.dropFirst().first, graph.wantsGradient(of: second) {
        let array = gradient(second)
        // Not where dx goes to the same place: a layer must not write what it still reads.
        if plan.passesGradientOn && !written.contains(array)
          && array != gradient(operation.output) && array != gradient(operation.inputs[0])
        {
          alias[array] = gradient(operation.output)
        } else {
          wishes[index].dsecond = true
          wishes[index].addsSecond = written.contains(array)
        }
        written.insert(gradient(second))
      }
      guard graph.wantsGradient(of: operation.inputs[0]) else { continue }
      let array = gradient(operation.inputs[0])
      if plan.sharesInput && !written.contains(array) {
        alias[array] = gradient(operation.output)
      } else {
        wishes[index].dx = true
        wishes[index].adds = written.contains(array)
      }
      written.insert(gradient(operation.inputs[0]))
    }
  }

  /// Steps of the forward pass, in order.
  var forwardNeeds: [LookNeeds] {
    graph.operations.indices.flatMap { index in
      let operation = graph.operations[index]
      let arrays = (operation.inputs + [operation.output]).map(value)
      return (0..<plans[index].forwardPhases).map { needs(index, phase: $0, arrays) }
    }
  }

  /// Steps of the backward pass, in order.
  var backwardNeeds: [LookNeeds] {
    graph.operations.indices.reversed().filter(isBackward).flatMap { index in
      let plan = plans[index]
      return (0..<plan.backwardPhases).map { needs(index, phase: $0, backwardArrays(index)) }
    }
  }

  private func needs(_ index: Int, phase: Int, _ arrays: [ArrayID]) -> LookNeeds {
    LookNeeds(
      look: Look(operation: index, phase: phase),
      arrays: arrays.map { ($0.value * 2 + ($0.isGradient ? 1 : 0), bytes(of: $0)) },
      fewestSamples: plans[index].fewestSamples)
  }

  private func backwardArrays(_ index: Int) -> [ArrayID] {
    let operation = graph.operations[index]
    let plan = plans[index]
    var arrays = [gradient(operation.output)]
    if plan.keepsInput { arrays += operation.inputs.map(value) }
    if plan.keepsOutput { arrays.append(value(operation.output)) }
    if wishes[index].dx { arrays.append(gradient(operation.inputs[0])) }
    if wishes[index].dsecond { arrays.append(gradient(operation.inputs[1])) }
    return arrays
  }

  private mutating func touch(_ array: ArrayID, _ moment: Int) {
    guard array != value(graph.input) else { return }  // the batch's own memory
    lives[array, default: Life(moments: moment...moment)].extend(to: moment)
  }

  /// Follows every array through the groups.
  mutating func follow(forward: [LayerGroup], backward: [LayerGroup]) {
    end = forward.count + backward.count + 1
    for (moment, group) in forward.enumerated() {
      for look in group.looks {
        let operation = graph.operations[look.operation]
        for input in operation.inputs { touch(value(input), moment) }
        touch(value(operation.output), moment)
      }
    }
    touch(value(graph.output), forward.count)
    touch(gradient(graph.output), forward.count)
    for (place, group) in backward.enumerated() {
      for look in group.looks {
        for array in backwardArrays(look.operation) {
          touch(array, forward.count + 1 + place)
        }
      }
    }
    if graph.wantsGradient(of: graph.input) { touch(gradient(graph.input), end) }
  }
}
