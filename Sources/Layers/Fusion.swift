// Fusion by plan: neighbouring layers that one kernel computes in one pass are replaced before
// step 0. Parameter names do not change: a fused layer keeps the place of the layer that owns them.

import Basics
import Kernels

/// A layer at its place in the list that a person wrote.
struct PlacedLayer {
  /// Index in that list, and so the prefix of its parameters' names (PyTorch's nn.Sequential).
  let place: Int
  let layer: any Layer
}

/// Replaces the first few of `layers` by one.
protocol FusionRule: SendableMetatype {
  /// The replacement and how many layers it stands for, or nil where the rule does not apply.
  /// `isFirst`: nobody needs the gradient of the input.
  static func fuse(
    _ layers: ArraySlice<any Layer>, input: Shape, isFirst: Bool, kernels: KernelTable
  ) -> (any Layer, Int)?
}

/// Convolution, ReLU and 2x2 pooling on an input that needs no gradient.
enum ConvolutionPoolRule: FusionRule {
  static func fuse(
    _ layers: ArraySlice<any Layer>, input: Shape, isFirst: Bool, kernels: KernelTable
  ) -> (any Layer, Int)? {
    guard isFirst, layers.count >= 3, input.dimensions.count == 3,
      let convolution = layers[layers.startIndex] as? Convolution2D,
      convolution.activation == .none, layers[layers.startIndex + 1] is ReLU,
      let pooling = layers[layers.startIndex + 2] as? MaxPooling2D,
      pooling.window == 2, pooling.stride == 2
    else { return nil }
    let shape = convolution.shape(1, input)
    guard shape.outputHeight >= 2, shape.outputWidth >= 2, kernels.convolutionPoolSupports(shape)
    else { return nil }
    return (ConvolutionPool2D(convolution: convolution), 3)
  }
}

/// A ReLU before max pooling.
enum PooledActivationRule: FusionRule {
  static func fuse(
    _ layers: ArraySlice<any Layer>, input: Shape, isFirst: Bool, kernels: KernelTable
  ) -> (any Layer, Int)? {
    guard layers.count >= 2, layers[layers.startIndex] is ReLU,
      var pooling = layers[layers.startIndex + 1] as? MaxPooling2D
    else { return nil }
    pooling.activation = .relu
    return (pooling, 2)
  }
}

/// A ReLU behind a dense or convolution layer, unless pooling follows and takes it.
enum ActivationRule: FusionRule {
  static func fuse(
    _ layers: ArraySlice<any Layer>, input: Shape, isFirst: Bool, kernels: KernelTable
  ) -> (any Layer, Int)? {
    guard layers.count >= 2, layers[layers.startIndex + 1] is ReLU,
      layers.count < 3 || !(layers[layers.startIndex + 2] is MaxPooling2D)
    else { return nil }
    if var dense = layers[layers.startIndex] as? Dense, dense.activation == .none {
      dense.activation = .relu
      return (dense, 2)
    }
    if var convolution = layers[layers.startIndex] as? Convolution2D,
      convolution.activation == .none
    {
      convolution.activation = .relu
      return (convolution, 2)
    }
    return nil
  }
}

/// The rules, widest first.
private let rules: [any FusionRule.Type] = [
  ConvolutionPoolRule.self, ActivationRule.self, PooledActivationRule.self,
]

/// The layers to run for samples of `input`, fused where a rule applies. A layer that does not fit
/// its input is left to report that when it is planned.
func fuse(_ layers: [any Layer], input: Shape, kernels: KernelTable) -> [PlacedLayer] {
  var result: [PlacedLayer] = []
  var place = 0
  var shape = input
  var isFirst = true
  while place < layers.count {
    let fused = rules.lazy.compactMap {
      $0.fuse(layers[place...], input: shape, isFirst: isFirst, kernels: kernels)
    }.first
    let (layer, length) = fused ?? (layers[place], 1)
    result.append(PlacedLayer(place: place, layer: layer))
    place += length
    guard let plan = try? layer.plan(input: shape, batch: 1, kernels: kernels) else { break }
    shape = plan.output
    isFirst = isFirst && plan.parameters.isEmpty
  }
  return result
    + layers[place...].enumerated().map {
      PlacedLayer(place: place + $0.offset, layer: $0.element)
    }
}
