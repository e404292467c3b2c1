// How a person writes a network: parts one behind the other, some of which contain parts.
//
//   let network = Sequential {
//     Convolution2D(32, kernel: 3)
//     ReLU()
//     Residual {
//       Convolution2D(32, kernel: 3, padding: 1)
//     }
//     Flatten()
//     Dense(10)
//   }
//
// Parameters are named as PyTorch names them: a part's place in its sequence, from 0 (nn.Sequential),
// or the name that `named` gives it, joined by dots.

import Basics
import Kernels

/// A layer, or layers put together.
public protocol NetworkPart: Sendable {
  /// Appends what the part consists of to `graph`, fed by `input`, and returns its output.
  func build(_ graph: inout Graph, input: Graph.Value, name: String) throws(ShapeError)
    -> Graph.Value
}

extension Layer {
  /// A layer is one operation.
  public func build(_ graph: inout Graph, input: Graph.Value, name: String) throws(ShapeError)
    -> Graph.Value
  {
    try graph.append(self, to: [input], name: name)
  }
}

/// The name of what is called `name` within `whole`; either may be empty.
func joinedName(_ whole: String, _ name: String) -> String {
  whole.isEmpty || name.isEmpty ? whole + name : whole + "." + name
}

/// Parts one behind the other.
public struct Sequential: NetworkPart {
  /// The parts.
  public let parts: [any NetworkPart]

  /// Parts in order.
  public init(_ parts: [any NetworkPart]) { self.parts = parts }

  /// Parts as a list of statements.
  public init(@NetworkBuilder _ parts: () throws -> [any NetworkPart]) rethrows {
    self.parts = try parts()
  }

  public func build(_ graph: inout Graph, input: Graph.Value, name: String) throws(ShapeError)
    -> Graph.Value
  {
    var value = input
    for (place, part) in parts.enumerated() {
      let own = (part as? Named)?.name ?? String(place)
      value = try part.build(&graph, input: value, name: joinedName(name, own))
    }
    return value
  }
}

/// A part with a name of its own.
public struct Named: NetworkPart {
  let name: String
  private let part: any NetworkPart

  init(_ name: String, _ part: any NetworkPart) { (self.name, self.part) = (name, part) }

  public func build(_ graph: inout Graph, input: Graph.Value, name: String) throws(ShapeError)
    -> Graph.Value
  {
    try part.build(&graph, input: input, name: name)
  }
}

extension NetworkPart {
  /// The same part under another name than its place: `conv1`. With an empty name, what it contains is
  /// named as if it stood in its place.
  public func named(_ name: String) -> Named { Named(name, self) }
}

/// Puts statements together to a list of parts; `if`, `for` and lists of parts may stand among them.
@resultBuilder
public enum NetworkBuilder {
  public static func buildExpression(_ part: some NetworkPart) -> [any NetworkPart] { [part] }
  public static func buildExpression(_ parts: [any NetworkPart]) -> [any NetworkPart] { parts }
  public static func buildBlock(_ parts: [any NetworkPart]...) -> [any NetworkPart] {
    parts.flatMap { $0 }
  }
  public static func buildArray(_ parts: [[any NetworkPart]]) -> [any NetworkPart] {
    parts.flatMap { $0 }
  }
  public static func buildOptional(_ parts: [any NetworkPart]?) -> [any NetworkPart] { parts ?? [] }
  public static func buildEither(first parts: [any NetworkPart]) -> [any NetworkPart] { parts }
  public static func buildEither(second parts: [any NetworkPart]) -> [any NetworkPart] { parts }
}
