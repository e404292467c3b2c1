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
    /// Its number among the layers as they were written, whatever is fused.
    var number: Int
    var layer: any Layer
    var inputs: [Value]
    var output: Value
  }

  /// Most numbers of one sample: a GiB of floats, or what 32 bits can number where rows are sparse.
  private static func mostNumbers(_ shape: Shape) -> Int {
    shape.element == .sparse ? 1 << 31 : 1 << 28
  }

  /// In order.
  private(set) var operations: [Operation] = []
  /// What the network is given.
  let input = Value(number: 0)
  /// The last operation's result, or the input.
  var output: Value { operations.last?.output ?? input }
  /// The vector code, whose kernels fused layers ask which shapes they take.
  let kernels: KernelTable

  private var shapes: [Shape]
  /// Whether the gradient of a value is wanted: by something trained before it, or by others.
  private var isWanted: [Bool]
  /// The operations that read a value, while rules are applied.
  private var readers: [[Int]] = []
  private var parameterNames: Set<String> = []
  private let convolution: ConvolutionChoice

  /// The operations of `part` for samples of `input`.
  ///
  /// - Parameter wantsInputGradient: others need the gradient of the input.
  /// - Throws: `ShapeError` naming the first layer that does not fit what comes before it.
  init(
    _ part: any NetworkPart, input: Shape, wantsInputGradient: Bool = false,
    convolution: ConvolutionChoice, kernels: KernelTable
  ) throws(ShapeError) {
    (shapes, isWanted) = ([input], [wantsInputGradient])
    (self.kernels, self.convolution) = (kernels, convolution)
    guard input.isAtMost(Self.mostNumbers(input)) else {
      throw ShapeError(
        "a sample of \(input) has more than \(Self.mostNumbers(input)) numbers: no network takes that"
      )
    }
    let last = try part.build(&self, input: self.input, name: "")
    precondition(last == output, "a network's output is its last operation's")
  }

  /// Extents of one sample of `value`.
  public func shape(of value: Value) -> Shape { shapes[value.number] }

  /// Whether somebody needs the gradient of `value`.
  func wantsGradient(of value: Value) -> Bool { isWanted[value.number] }

  /// Appends a layer that reads `inputs`; the result is its output.
  ///
  /// - Throws: `ShapeError` where it does not fit them, makes too much of them, or has the name of
  ///   another.
  public mutating func append(_ layer: any Layer, to inputs: [Value], name: String)
    throws(ShapeError) -> Value
  {
    let plan = try plan(layer, inputs, batch: 1, name: name)
    guard plan.output.isAtMost(Self.mostNumbers(plan.output)) else {
      throw ShapeError(
        layer: layer.summary, input: shape(of: inputs[0]),
        problem:
          "the result, \(plan.output), has more than \(Self.mostNumbers(plan.output)) numbers"
      ).at(name)
    }
    for parameter in plan.parameters {
      let full = joinedName(name, parameter.name)
      guard parameterNames.insert(full).inserted else {
        throw ShapeError("there is a \(full) already: two layers have one name").at(name)
      }
    }
    let output = Value(number: shapes.count)
    shapes.append(plan.output)
    isWanted.append(
      inputs.contains(where: wantsGradient) || plan.parameters.contains { $0.role == .trained })
    operations.append(
      Operation(
        name: name, prefix: name, number: operations.count, layer: layer, inputs: inputs,
        output: output))
    return output
  }

  /// The plan of a layer for up to `batch` samples.
  func plan(_ layer: any Layer, _ inputs: [Value], batch: Int, name: String) throws(ShapeError)
    -> LayerPlan
  {
    var context = PlanContext(inputs: inputs.map(shape(of:)), batch: batch, kernels: kernels)
    context.convolution = convolution
    do throws(ShapeError) { return try layer.plan(context) } catch { throw error.at(name) }
  }

  // MARK: Changes

  /// The one operation that reads `value`, if there is just one and it is no output of the network.
  func onlyReader(of value: Value) -> Int? {
    guard value != output, readers[value.number].count == 1 else { return nil }
    return readers[value.number][0]
  }

  /// Goes through the operations from the front and replaces each that `fuse` can merge with the only
  /// reader of its result. Cost: linear in the number of operations.
  ///
  /// - Returns: whether there was one.
  mutating func merge(_ fuse: (Operation, Operation, Graph) -> FusedLayer?) -> Bool {
    readers = Array(repeating: [], count: shapes.count)
    for (index, operation) in operations.enumerated() {
      for input in Set(operation.inputs) { readers[input.number].append(index) }
    }
    var gone = Array(repeating: false, count: operations.count)
    for index in operations.indices {
      let first = operations[index]
      guard let reader = onlyReader(of: first.output),
        let fused = fuse(first, operations[reader], self)
      else { continue }
      let last = operations[reader]
      let owner = fused.owner == .first ? first : last
      operations[reader] = Operation(
        name: owner.name, prefix: fused.namesInFull ? "" : owner.prefix, number: owner.number,
        layer: fused.layer, inputs: first.inputs + last.inputs.filter { $0 != first.output },
        output: last.output)
      gone[index] = true
      for input in Set(first.inputs) {
        readers[input.number].removeAll { $0 == index || $0 == reader }
        readers[input.number].append(reader)
      }
    }
    guard gone.contains(true) else { return false }
    operations = zip(operations, gone).filter { !$0.1 }.map(\.0)
    return true
  }
}
