// A layer as a person describes it in a file: a kind, settings, and for some kinds lists of layers
// within. What the file looks like is not known here.

import Basics

/// One layer of a described network.
public struct LayerDescription: Sendable, Equatable {
  /// Name in the catalogue.
  public var kind: String
  /// Name for its parameters, where it is not its place.
  public var name: String?
  /// Settings as text.
  public var settings: [String: String]
  /// Lists of layers within, by name.
  public var parts: [String: [LayerDescription]]
  /// Where it stands, for messages: `job.yaml:12`; of no account when descriptions are compared.
  public var place: String

  /// A description.
  public init(
    _ kind: String, name: String? = nil, settings: [String: String] = [:],
    parts: [String: [LayerDescription]] = [:], place: String = ""
  ) {
    (self.kind, self.name, self.settings) = (kind, name, settings)
    (self.parts, self.place) = (parts, place)
  }

  public static func == (a: LayerDescription, b: LayerDescription) -> Bool {
    a.kind == b.kind && a.name == b.name && a.settings == b.settings && a.parts == b.parts
  }

  /// What is described.
  ///
  /// - Throws: `DescriptionError` that names the place and what is wrong there.
  public func part() throws(DescriptionError) -> any NetworkPart {
    do {
      let recipe = try layerCatalog.find(kind)
      for list in parts.keys.sorted() where !recipe.parts.contains(list) {
        let names: [String] = recipe.settings.map { $0.name }
        throw UnknownName(
          kind: "\(kind) key", name: list, known: recipe.parts + names + ["name"])
      }
      let within = try parts.mapValues { try Sequential($0.map { try $0.part() }) }
      let settings = try Settings(of: kind, declared: recipe.settings, given: settings)
      for list in recipe.needed where within[list]?.parts.isEmpty ?? true {
        throw ShapeError("\(kind) needs a list of layers called '\(list)'")
      }
      if name == "" { throw ShapeError("a layer's name must have letters") }
      let part = Placed(place: place, part: try recipe.make(settings, within))
      return name.map { part.named($0) } ?? part
    } catch let error as DescriptionError {
      throw error
    } catch {
      throw DescriptionError(place: place, problem: "\(error)")
    }
  }
}

/// A part that a file describes: what is wrong with it is told with its place there.
private struct Placed: NetworkPart {
  let place: String
  let part: any NetworkPart

  func build(_ graph: inout Graph, input: Graph.Value, name: String) throws(ShapeError)
    -> Graph.Value
  {
    do throws(ShapeError) { return try part.build(&graph, input: input, name: name) } catch {
      throw error.written(at: place)
    }
  }
}

/// A described layer cannot be made.
public struct DescriptionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Where it stands, and what is wrong with it.
  public let place, problem: String

  /// An error at `place`.
  public init(place: String, problem: String) { (self.place, self.problem) = (place, problem) }

  public var description: String { place.isEmpty ? problem : "\(place): \(problem)" }
}

/// How a described layer is made.
public struct LayerRecipe: Sendable {
  /// One line for a list.
  public let summary: String
  /// Every setting that `make` reads; a bare value stands for the first.
  public let settings: [Setting]
  /// Lists of layers that it may contain, and those without which it is nothing.
  public let parts, needed: [String]
  /// Makes the layer.
  let make: @Sendable (Settings, [String: Sequential]) throws -> any NetworkPart

  init(
    _ summary: String, settings: [Setting] = [], parts: [String] = [], needed: [String] = [],
    make: @escaping @Sendable (Settings, [String: Sequential]) throws -> any NetworkPart
  ) {
    (self.summary, self.settings, self.make) = (summary, settings, make)
    (self.parts, self.needed) = (parts, needed)
  }
}
