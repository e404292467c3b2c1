// A network as operations on values, in an order in which every value is there before it is read.

import Basics
import Kernels

/// Operations, each a layer with one or two inputs and one output.
public struct Graph {
  /// One input or output of operations: a shape per sample.
  public struct Value: Hashable, Sendable {
    let number: Int
  }

  /// A layer at its place.
  struct Operation {
    /// Its place, for a person.
    var name: String
    /// Prefix of its parameters' names: its place, unless they have names in full.
    var prefix: String
    var layer: any Layer
    var inputs: [Value]
    var output: Value
  }

  /// In order.
  private(set) var operations: [Operation] = []
  /// What the network is given.
  let input = Value(number: 0)
  /// The last operation's result, or the input.
  var output: Value { operations.last?.output ?? input }

  private var shapes: [Shape]
  private let kernels: KernelTable
  private let convolution: ConvolutionChoice

  /// The operations of `part` for samples of `input`.
  ///
  /// - Throws: `ShapeError` naming the first layer that does not fit what comes before it.
  init(
    _ part: any NetworkPart, input: Shape, convolution: ConvolutionChoice, kernels: KernelTable
  ) throws(ShapeError) {
    shapes = [input]
    (self.kernels, self.convolution) = (kernels, convolution)
    let last = try part.build(&self, input: self.input, name: "")
    precondition(last == output, "a network's output is its last operation's")
  }

  /// Extents of one sample of `value`.
  public func shape(of value: Value) -> Shape { shapes[value.number] }

  /// Appends a layer that reads `inputs`; the result is its output.
  public mutating func append(_ layer: any Layer, to inputs: [Value], name: String)
    throws(ShapeError) -> Value
  {
    let plan = try plan(layer, inputs, batch: 1, name: name)
    let output = Value(number: shapes.count)
    shapes.append(plan.output)
    operations.append(
      Operation(name: name, prefix: name, layer: layer, inputs: inputs, output: output))
    return output
  }

  /// The plan of a layer for up to `batch` samples.
  func plan(
    _ layer: any Layer, _ inputs: [Value], batch: Int, name: String, needsInputGradient: Bool = true
  ) throws(ShapeError) -> LayerPlan {
    var context = PlanContext(inputs: inputs.map(shape(of:)), batch: batch, kernels: kernels)
    (context.needsInputGradient, context.convolution) = (needsInputGradient, convolution)
    do throws(ShapeError) { return try layer.plan(context) } catch { throw error.at(name) }
  }

  /// Whether the kernels of fused layers take a shape.
  var table: KernelTable { kernels }

  // MARK: Changes

  /// The one operation that reads `value`, if there is just one and it is no output of the network.
  func onlyReader(of value: Value) -> Int? {
    guard value != output else { return nil }
    let readers = operations.indices.filter { operations[$0].inputs.contains(value) }
    return readers.count == 1 ? readers[0] : nil
  }

  /// The operation that computes `value`.
  func producer(of value: Value) -> Int? { operations.firstIndex { $0.output == value } }

  /// Whether nothing that is trained comes before `value`.
  func isBeforeParameters(_ value: Value) -> Bool {
    guard let producer = producer(of: value) else { return true }
    let operation = operations[producer]
    let plan = try? plan(operation.layer, operation.inputs, batch: 1, name: "")
    return plan?.parameters.isEmpty == true && operation.inputs.allSatisfy(isBeforeParameters)
  }

  /// Replaces the operation `first` and the later `last`, which reads it, by one in `last`'s place.
  mutating func merge(_ first: Int, _ last: Int, inputs: [Value], into fused: FusedLayer) {
    let owner = operations[fused.owner == .first ? first : last]
    operations[last] = Operation(
      name: owner.name, prefix: fused.namesInFull ? "" : owner.prefix, layer: fused.layer,
      inputs: inputs, output: operations[last].output)
    operations.remove(at: first)
  }
}
