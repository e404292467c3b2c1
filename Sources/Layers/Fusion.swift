// Fusion by plan: operations that one kernel computes in one pass are replaced by one before step 0.
// Parameter names do not change: a fused layer keeps the name of the layer that owns them.

import Basics
import Kernels

/// A layer that stands for two.
struct FusedLayer {
  /// Whose place and parameters it has.
  enum Owner { case first, second }

  let layer: any Layer
  let owner: Owner
  /// Parameters have their names in full, because both layers have some.
  let namesInFull: Bool

  init(_ layer: any Layer, _ owner: Owner, namesInFull: Bool = false) {
    (self.layer, self.owner, self.namesInFull) = (layer, owner, namesInFull)
  }
}

/// Replaces an operation and the one that reads its result by one.
protocol FusionRule: SendableMetatype {
  /// What stands for both; nil where the rule does not apply. `first`'s result has no other reader
  /// than `second`.
  static func fuse(_ first: Graph.Operation, _ second: Graph.Operation, in graph: Graph)
    -> FusedLayer?
}

/// A ReLU before max pooling: the largest of rectified values is the rectified largest value, so a
/// ReLU in front of the pooling costs a fraction of its work behind it.
enum PooledActivationRule: FusionRule {
  static func fuse(_ first: Graph.Operation, _ second: Graph.Operation, in graph: Graph)
    -> FusedLayer?
  {
    guard first.layer is ReLU, var pooling = second.layer as? MaxPooling2D,
      pooling.activation == .none
    else { return nil }
    pooling.activation = .relu
    return FusedLayer(pooling, .second)
  }
}

/// Convolution, ReLU and 2x2 pooling on an input that needs no gradient.
enum ConvolutionPoolRule: FusionRule {
  static func fuse(_ first: Graph.Operation, _ second: Graph.Operation, in graph: Graph)
    -> FusedLayer?
  {
    guard let convolution = first.layer as? Convolution2D, convolution.activation == .none,
      convolution.filters.hasBias, let pooling = second.layer as? MaxPooling2D,
      pooling.activation == .relu,
      pooling.windows == Windows(2), !graph.wantsGradient(of: first.inputs[0])
    else { return nil }
    let shape = convolution.shape(1, graph.shape(of: first.inputs[0]))
    guard shape.outputHeight >= 2, shape.outputWidth >= 2,
      graph.kernels.convolutionPoolSupports(shape)
    else { return nil }
    return FusedLayer(ConvolutionPool2D(convolution: convolution), .first)
  }
}

/// An activation behind a layer that can apply it, unless pooling follows and takes it.
enum ActivationRule: FusionRule {
  static func fuse(_ first: Graph.Operation, _ second: Graph.Operation, in graph: Graph)
    -> FusedLayer?
  {
    guard var layer = first.layer as? any ActivatedLayer, layer.activation == .none,
      let activation = Activation(second.layer), layer.takes(activation)
    else { return nil }
    if let reader = graph.onlyReader(of: second.output),
      activation == .relu, graph.operations[reader].layer is MaxPooling2D
    {
      return nil
    }
    layer.activation = activation
    return FusedLayer(layer, .first)
  }
}

/// The sum of a residual block behind the main path's last layer.
enum SumRule: FusionRule {
  static func fuse(_ first: Graph.Operation, _ second: Graph.Operation, in graph: Graph)
    -> FusedLayer?
  {
    guard var layer = first.layer as? any SummingLayer, layer.activation == .none,
      !layer.addsSecond, second.layer is Add, second.inputs[0] == first.output,
      second.inputs[1] != first.output, graph.shape(of: first.inputs[0]).element == .float
    else { return nil }
    layer.addsSecond = true
    return FusedLayer(layer, .first)
  }
}

/// The rules, in the order in which they are tried.
private let rules: [any FusionRule.Type] = [
  PooledActivationRule.self, ConvolutionPoolRule.self, FoldedEmbeddingRule.self, SumRule.self,
  ActivationRule.self,
]

extension Graph {
  /// Applies rules until none applies any more.
  mutating func fuse() {
    var isChanged = true
    while isChanged {
      isChanged = false
      for rule in rules {
        if merge({ rule.fuse($0, $1, in: $2) }) { isChanged = true }
      }
    }
  }
}
