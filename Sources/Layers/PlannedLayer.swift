// A network's plan as something to look at.

import Basics
import Kernels

/// One layer as it runs.
public struct PlannedLayer: Sendable {
  /// Its place: the prefix of its parameters' names.
  public private(set) var name: String
  /// What it is, fused neighbours included.
  public let layer: String
  /// How it is computed.
  public let kernel: String
  /// The method of a convolution that might have another.
  public let method: ConvolutionMethod?
  /// One sample of each input, and of the output.
  public let inputs: [Shape]
  public let output: Shape
  /// Numbers that are trained.
  public let parameters: Int
  /// Floating-point operations per sample, forward and backward.
  public let forwardOperations, backwardOperations: Int
  /// Bytes that it reads and writes per sample in the forward pass.
  public let bytes: Int
  /// Where its output lies in the arena, in bytes; nil: in the batch.
  public let offset: Int?
  /// The group of the forward pass that it belongs to, from 0, and samples that go through it
  /// together.
  public let group, samples: Int

  /// The same layer as a part of something larger.
  func within(_ whole: String) -> PlannedLayer {
    var layer = self
    layer.name = "\(whole).\(name)"
    return layer
  }
}

extension Network {
  /// The layers as they run, in order.
  public var layers: [PlannedLayer] {
    plan.operations.indices.map { index in
      let operation = plan.operations[index]
      let group = plan.forward.lastIndex { $0.looks.contains { $0.operation == index } } ?? 0
      let trained = operation.plan.parameters.contains { $0.role == .trained }
      // Products are done again for the weights and for the input, where they are wanted.
      let times = (trained ? 1 : 0) + (operation.dx == nil ? 0 : 1)
      let bytes = (operation.inputs + [operation.plan.output]).map(\.bytesPerSample).reduce(0, +)
      return PlannedLayer(
        name: operation.name, layer: operation.layer.summary, kernel: operation.plan.kernel,
        method: operation.layer is any FilterLayer ? operation.plan.convolution : nil,
        inputs: operation.inputs, output: operation.plan.output,
        parameters: zip(operation.plan.parameters, operation.ranges)
          .reduce(0) { $0 + ($1.0.role == .trained ? $1.1.count : 0) },
        forwardOperations: operation.plan.operations,
        backwardOperations: times * operation.plan.operations, bytes: bytes,
        offset: operation.y.offset.map { 4 * $0 }, group: group,
        samples: plan.forward[group].samples)
    }
  }
}
