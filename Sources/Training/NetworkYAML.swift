// Networks in YAML: a list of layers, each a kind alone (`relu`), a kind with a bare value (`dense:
// 10`), or a kind with settings:
//
//   model:
//     - convolution: {channels: 32, kernel: 3, padding: 1}
//     - relu
//     - residual:
//         activation: relu
//         main:
//           - convolution: {channels: 32, padding: 1}
//           - batch-normalisation
//     - global-average-pooling
//     - dense: {features: 10, name: head}

import Basics
import Layers
import Yams

/// Reads and writes lists of layers as YAML nodes.
enum NetworkYAML {
  /// The layers of `node`.
  ///
  /// - Parameter path: the file, for messages.
  /// - Throws: `DescriptionError` that names file, line and key.
  static func layers(_ node: Node, path: String) throws(DescriptionError) -> [LayerDescription] {
    guard let list = node.sequence else {
      throw error(node, path, "a list of layers is needed, each line beginning with '-'")
    }
    var result: [LayerDescription] = []
    for node in list { result.append(try layer(node, path)) }
    return result
  }

  private static func error(_ node: Node, _ path: String, _ problem: String) -> DescriptionError {
    DescriptionError(place: place(node, path), problem: problem)
  }

  /// `job.yaml:12`.
  static func place(_ node: Node, _ path: String) -> String {
    node.mark.map { "\(path):\($0.line)" } ?? path
  }

  private static func layer(_ node: Node, _ path: String) throws(DescriptionError)
    -> LayerDescription
  {
    if let kind = node.scalar?.string {
      try check(kind, node, path)
      return LayerDescription(kind, place: place(node, path))
    }
    guard let mapping = node.mapping, mapping.count == 1, let (key, value) = mapping.first,
      let kind = key.scalar?.string
    else { throw error(node, path, "a layer is one kind, alone or with settings: 'dense: 10'") }
    try check(kind, key, path)
    var layer = LayerDescription(kind, place: place(key, path))
    let recipe = layerCatalog.entries.first { $0.name == kind }?.entry
    if value.sequence != nil {
      guard let name = recipe?.parts.first else {
        throw error(value, path, "\(kind) contains no layers")
      }
      layer.parts[name] = try layers(value, path: path)
    } else if let text = value.scalar?.string {
      // `relu:` with nothing behind it is `relu`.
      guard !text.isEmpty else { return layer }
      guard let setting = recipe?.settings.first?.name else {
        throw error(value, path, "\(kind) has no settings, and '\(text)' is none")
      }
      layer.settings[setting] = text
    } else if let settings = value.mapping {
      try read(settings, into: &layer, recipe, path)
    }
    return layer
  }

  private static func check(_ kind: String, _ node: Node, _ path: String) throws(DescriptionError) {
    do { _ = try layerCatalog.find(kind) } catch { throw self.error(node, path, "\(error)") }
  }

  private static func read(
    _ mapping: Node.Mapping, into layer: inout LayerDescription, _ recipe: LayerRecipe?,
    _ path: String
  ) throws(DescriptionError) {
    let known = (recipe?.settings.map(\.name) ?? []) + (recipe?.parts ?? []) + ["name"]
    for (key, value) in mapping {
      guard let name = key.scalar?.string, known.contains(name) else {
        let name = key.scalar?.string ?? "?"
        throw error(
          key, path, "\(UnknownName(kind: "\(layer.kind) key", name: name, known: known))")
      }
      if recipe?.parts.contains(name) == true {
        layer.parts[name] = try layers(value, path: path)
      } else if let text = value.scalar?.string {
        if name == "name" { layer.name = text } else { layer.settings[name] = text }
      } else {
        throw error(value, path, "\(name): one value is needed")
      }
    }
  }

  /// The layers of a text that `text` made.
  static func layers(_ text: String, path: String) throws -> [LayerDescription] {
    guard let node = try Yams.compose(yaml: text) else { return [] }
    return try layers(node, path: path)
  }

  /// The layers as YAML.
  static func text(_ layers: [LayerDescription]) throws -> String {
    try Yams.serialize(node: node(layers))
  }

  /// The layers as a node that `layers` reads again.
  static func node(_ layers: [LayerDescription]) -> Node {
    Node(layers.map(node))
  }

  private static func node(_ layer: LayerDescription) -> Node {
    var pairs: [(Node, Node)] = []
    if let name = layer.name { pairs.append((Node("name"), Node(name))) }
    for (key, value) in layer.settings.sorted(by: { $0.key < $1.key }) {
      pairs.append((Node(key), Node(value)))
    }
    for (key, value) in layer.parts.sorted(by: { $0.key < $1.key }) {
      pairs.append((Node(key), node(value)))
    }
    return pairs.isEmpty ? Node(layer.kind) : Node([(Node(layer.kind), Node(pairs))])
  }
}
