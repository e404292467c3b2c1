// What a person reads who put layers together that do not fit.

import Basics

/// A layer does not fit its input.
public struct ShapeError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence that names the layer and the shapes.
  public let description: String

  /// - Parameters:
  ///   - layer: the layer's summary.
  ///   - input: what it was given.
  ///   - problem: what it would have needed.
  public init(layer: String, input: Shape, problem: String) {
    description = "\(layer) cannot take an input of \(input): \(problem)"
  }

  /// Two inputs that do not fit each other.
  public init(layer: String, inputs: [Shape], problem: String) {
    let shapes = inputs.map(\.description).joined(separator: " and ")
    description = "\(layer) cannot take inputs of \(shapes): \(problem)"
  }

  /// Anything else about a list of layers.
  public init(_ description: String) { self.description = description }

  /// The same error with the layer's place in front.
  func at(_ place: String) -> ShapeError {
    ShapeError("layer \(place): \(description)")
  }
}

extension PlanContext {
  /// The input as height, width and channels.
  func image(_ layer: String) throws(ShapeError) -> (height: Int, width: Int, channels: Int) {
    guard input.dimensions.count == 3, input.element == .float else {
      throw ShapeError(
        layer: layer, input: input, problem: "it needs images (height x width x channels)")
    }
    return (input.dimensions[0], input.dimensions[1], input.dimensions[2])
  }

  /// Numbers are needed.
  func numbers(_ layer: String) throws(ShapeError) {
    guard input.element == .float else {
      throw ShapeError(layer: layer, input: input, problem: "it needs numbers, not indices")
    }
  }
}
