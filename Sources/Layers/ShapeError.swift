// What a person reads who put layers together that do not fit.

import Basics

/// A layer does not fit its input.
public struct ShapeError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence that names the layer and the shapes, behind the place in a file where there is one.
  public var description: String { place.isEmpty ? problem : "\(place): \(problem)" }

  private let problem: String
  private var place = ""

  /// - Parameters:
  ///   - layer: the layer's summary.
  ///   - input: what it was given.
  ///   - problem: what it would have needed.
  public init(layer: String, input: Shape, problem: String) {
    self.problem = "\(layer) cannot take an input of \(input): \(problem)"
  }

  /// Two inputs that do not fit each other.
  public init(layer: String, inputs: [Shape], problem: String) {
    let shapes = inputs.map(\.description).joined(separator: " and ")
    self.problem = "\(layer) cannot take inputs of \(shapes): \(problem)"
  }

  /// Anything else about a list of layers.
  public init(_ problem: String) { self.problem = problem }

  /// The same error with the layer's place in the network in front.
  func at(_ name: String) -> ShapeError {
    name.isEmpty ? self : ShapeError("layer \(name): \(problem)")
  }

  /// The same error with the layer's place in a file in front; the innermost counts.
  func written(at place: String) -> ShapeError {
    var error = self
    if error.place.isEmpty { error.place = place }
    return error
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
      throw ShapeError(
        layer: layer, input: input,
        problem: input.element == .sparse
          ? "it needs all numbers of a sample, not sparse rows; a dense layer takes these"
          : "it needs numbers, not indices")
    }
  }
}
