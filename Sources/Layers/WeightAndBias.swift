// What layers with weights ask for.

import Basics

extension ParameterRequest {
  /// One number per feature, the last dimension of `input`; in checkpoints in PyTorch's order, channels
  /// first, where the features are a flattened image.
  static func perFeature(
    _ name: String, _ input: Shape, _ value: Float, _ role: ParameterRole = .trained
  ) -> ParameterRequest {
    let features = input.dimensions.last!
    guard let image = input.folded, input.dimensions.count == 1 else {
      return ParameterRequest(
        name, shape: [features], initialisation: .constant(value), role: role)
    }
    return ParameterRequest(
      name, shape: image, axes: [2, 0, 1], exportedShape: [features],
      initialisation: .constant(value), role: role)
  }

  /// A weight and, where there are `biases`, as many of them.
  ///
  /// - Parameters:
  ///   - bound: of the uniform initial values of both, as PyTorch has them.
  ///   - deviation: of normally distributed initial weights instead, biases being 0.
  static func weightAndBias(
    _ shape: [Int], axes: [Int], exported: [Int]? = nil, bound: Float, _ deviation: Float?,
    biases: Int?
  ) -> [ParameterRequest] {
    let usual = Initialisation.uniform(bound: bound)
    let weight = ParameterRequest(
      "weight", shape: shape, axes: axes, exportedShape: exported,
      initialisation: deviation.map { .normal(deviation: $0) } ?? usual)
    guard let biases else { return [weight] }
    return [
      weight,
      ParameterRequest(
        "bias", shape: [biases], initialisation: deviation == nil ? usual : .constant(0)),
    ]
  }
}
