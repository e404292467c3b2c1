// A checkpoint as something to look at or to evaluate: which file, what it says about itself, what
// it holds.

import Basics
import Datasets
import Foundation
import Kernels
import Layers
import Messaging

/// An opened checkpoint, its checksum found to be right.
public struct StoredModel {
  /// The file.
  public let path: String
  /// What it says about itself.
  public let facts: CheckpointFacts
  /// What should be known about it, for example that a newer file is damaged.
  public let note: String?
  /// Its tensors: name, shape, smallest, largest and mean value; in the file's order.
  public var tensors: [(name: String, shape: [Int], values: ClosedRange<Float>, mean: Double)] {
    contents.tensors.sorted { $0.value.bytes.lowerBound < $1.value.bytes.lowerBound }.map { entry in
      contents.withValues(entry.key) { values in
        let sum = values.reduce(0.0) { $0 + Double($1) }
        // A value that is not a number makes the range unknown.
        let low = values.min() ?? 0, high = values.max() ?? 0
        let range = low <= high ? low...high : -Float.infinity...Float.infinity
        return (entry.key, entry.value.shape, range, sum / Double(max(values.count, 1)))
      }!
    }
  }

  private let contents: SafetensorsFile.Contents

  /// Opens a checkpoint file, or the newest whole one of a run's folder.
  public init(at place: String) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) else {
      throw FileError("read", place, ENOENT)
    }
    if isFolder.boolValue {
      let (found, damaged) = CheckpointFolder(run: place).newestValid()
      guard let found else {
        throw CheckpointError(place, damaged.first ?? "holds no checkpoints of a run")
      }
      (path, contents) = found
      note = damaged.isEmpty ? nil : damaged.joined(separator: "; ") + "; using \(found.path)"
    } else {
      path = place
      contents = try SafetensorsFile.decode(try AtomicFile.read(place), path: place)
      note = nil
    }
    facts = try CheckpointFacts(contents.metadata, path: path)
  }

  /// The parameters, as a model of `layout` has them.
  ///
  /// - Throws: `CheckpointError` naming a tensor that is missing or of another shape.
  public func read(_ layout: ParameterLayout, into parameters: FloatBuffer) throws {
    try Checkpoint.readTensors(contents, layout: layout, into: parameters, path: path)
  }

  /// Writes the model's own tensors, without the optimizer's state, to a file that PyTorch's
  /// `load_state_dict` takes as it is.
  ///
  /// - Returns: how many tensors there are.
  /// - Throws: `CheckpointError` where there is none, `FileError`.
  public func export(to path: String) throws -> Int {
    let own = contents.tensors.keys.filter { name in
      !Checkpoint.statePrefixes.contains { name.hasPrefix($0) }
    }
    guard !own.isEmpty else {
      throw CheckpointError(self.path, "holds no tensors of a model, there is nothing to export")
    }
    let tensors = own.sorted().map { name in
      TensorValues(name: name, shape: contents.tensors[name]!.shape) { place in
        _ = contents.withValues(name) { values in
          for index in values.indices { place[index] = values[index] }
        }
      }
    }
    try AtomicFile.write(SafetensorsFile.encode(tensors, metadata: ["format": "pt"]), to: path)
    return own.count
  }

  /// Evaluates the checkpoint at `place` (read by rank 0 alone) on the held-out half of `data`,
  /// opened with `settings`, in the coding of the training data. Collective; the figures are the same
  /// on every rank.
  public static func evaluate(
    at place: String, on data: String, settings: [String: String] = [:],
    over communicator: any Communicator, kernels: KernelTable
  ) throws -> (figures: HeldOut, facts: CheckpointFacts, samples: Int) {
    Denormals.flush()
    let agreement = Agreement(over: communicator)
    let stored = try agreement.agree { communicator.rank == 0 ? try StoredModel(at: place) : nil }
    let text = try JSONEncoder().encode(stored?.facts)
    let facts = try JSONDecoder().decode(
      CheckpointFacts.self,
      from: Data(
        try agreement.share(String(decoding: text, as: UTF8.self)).utf8))
    let opened = try agreement.agree { try openDataset(data, settings: settings).heldOut }
    try DataIdentity(of: [opened], kernels: kernels).check(data, agreement)
    let (network, heldOut) = try agreement.agree {
      let heldOut = try facts.coded(opened, named: data)
      guard heldOut.sampleShape.dimensions == facts.input, heldOut.classes == facts.classes else {
        throw UsageError(
          "the model was trained on samples of \(Shape(facts.input)) in \(facts.classes) classes;"
            + " \(data) has \(heldOut.sampleShape) in \(heldOut.classes)")
      }
      let network = try facts.makeModel(
        for: heldOut.space, capacity: 64, place: place, kernels: kernels)
      try network.requireTargets(of: heldOut, named: data)
      return (network, heldOut)
    }
    let parameters = FloatBuffer(count: network.layout.count)
    try agreement.agree { try stored?.read(network.layout, into: parameters) }
    try communicator.broadcast(UnsafeMutableRawBufferPointer(parameters.values), root: 0)
    let figures = try Evaluation(of: network, on: heldOut, over: communicator, kernels: kernels)
      .run(at: FloatsIn(parameters.pointer))
    return (figures, facts, heldOut.count)
  }
}

extension CheckpointFacts {
  /// The model that the facts tell of, for data of `space`.
  ///
  /// - Parameter place: where the facts were found, for messages.
  public func makeModel(
    for space: SampleSpace, capacity: Int, place: String, kernels: KernelTable
  ) throws -> any Model {
    try recipe(place).make(
      for: space, settings: settings, capacity: capacity, convolution: convolution,
      kernels: kernels)
  }

  private func recipe(_ place: String) throws -> ModelRecipe {
    guard let layers else { return try modelCatalog.find(model) }
    do {
      return try ModelRecipe.described(NetworkYAML.layers(layers, path: place))
    } catch {
      throw CheckpointError(place, "the list of layers in its metadata is damaged: \(error)")
    }
  }
}
