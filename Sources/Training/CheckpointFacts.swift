// What a checkpoint says about itself, in the safetensors metadata: enough to build the network, to
// go on at the same sample, and to refuse a job that it does not belong to. Nothing in it differs
// between equal runs: no times, no host names, no number of ranks, no paths.

import Basics
import Datasets
import Foundation
import Layers

/// A checkpoint's identity and position.
public struct CheckpointFacts: Codable, Sendable, Equatable {
  /// Steps made, and updates of the parameters.
  public var step, updates: Int
  /// Catalogue names.
  public var model, strategy, optimizer: String
  /// One input sample's extents, and the number of classes.
  public var input: [Int]
  public var classes: Int
  /// What the sample order depends on.
  public var batch, samples: Int
  public var seed: UInt64
  /// What the order of summation depends on, where it is fixed; nil: on the ranks.
  public var lanes: Int?
  /// The user's settings of the model, and how convolutions are computed.
  public var settings: [String: String]
  public var convolution: ConvolutionChoice
  /// The layers of a model of the user's own, as YAML.
  public var layers: String?
  /// What the numbers of the training data stood for; nil in files of earlier versions.
  public var coding: DataCoding?
  /// How each convolution is computed, by the layers' places: `0 f4, 3 direct`; nil in files of earlier
  /// versions.
  public var methods: String?

  private static let prefix = "apus."

  /// As safetensors metadata.
  func metadata() throws -> [String: String] {
    var chosen = Dictionary(
      uniqueKeysWithValues: settings.map { (Self.prefix + "model." + $0.key, $0.value) })
    chosen[Self.prefix + "lanes"] = lanes.map(String.init)
    chosen[Self.prefix + "layers"] = layers
    chosen[Self.prefix + "methods"] = methods
    if let coding {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      chosen[Self.prefix + "coding"] = String(decoding: try encoder.encode(coding), as: UTF8.self)
    }
    return chosen.merging([
      "format": "pt",  // tensors are in PyTorch's order
      Self.prefix + "step": String(step), Self.prefix + "updates": String(updates),
      Self.prefix + "model": model, Self.prefix + "strategy": strategy,
      Self.prefix + "optimizer": optimizer,
      Self.prefix + "input": input.map(String.init).joined(separator: "x"),
      Self.prefix + "classes": String(classes), Self.prefix + "batch": String(batch),
      Self.prefix + "samples": String(samples), Self.prefix + "seed": String(seed),
      Self.prefix + "convolution": convolution.rawValue,
    ]) { $1 }
  }

  init(
    step: Int, updates: Int, model: String, strategy: String, optimizer: String, input: [Int],
    classes: Int, batch: Int, samples: Int, seed: UInt64, lanes: Int? = nil,
    settings: [String: String] = [:], convolution: ConvolutionChoice = .automatic,
    layers: String? = nil, coding: DataCoding? = nil, methods: String? = nil
  ) {
    (self.settings, self.convolution, self.layers) = (settings, convolution, layers)
    (self.coding, self.methods) = (coding, methods)
    (self.step, self.updates, self.model) = (step, updates, model)
    (self.strategy, self.optimizer, self.input) = (strategy, optimizer, input)
    (self.classes, self.batch, self.samples, self.seed) = (classes, batch, samples, seed)
    self.lanes = lanes
  }

  /// From a file's metadata.
  init(_ metadata: [String: String], path: String) throws(CheckpointError) {
    func text(_ key: String) throws(CheckpointError) -> String {
      guard let value = metadata[Self.prefix + key] else {
        throw CheckpointError(path, "not a checkpoint of apus: its metadata has no '\(key)'")
      }
      return value
    }
    func number(_ key: String) throws(CheckpointError) -> Int {
      let text = try text(key)
      guard let value = Int(text), (0...Job.mostSteps).contains(value) else {
        throw CheckpointError(path, "metadata '\(key)' is '\(text)', not a number")
      }
      return value
    }
    let input = try text("input").split(separator: "x").compactMap { Int($0) }
    guard !input.isEmpty, input.allSatisfy({ $0 > 0 }), let seed = UInt64(try text("seed")) else {
      throw CheckpointError(path, "the metadata is damaged")
    }
    self.init(
      step: try number("step"), updates: try number("updates"), model: try text("model"),
      strategy: try text("strategy"), optimizer: try text("optimizer"), input: input,
      classes: try number("classes"), batch: try number("batch"), samples: try number("samples"),
      seed: seed, lanes: metadata[Self.prefix + "lanes"] == nil ? nil : try number("lanes"),
      settings: Self.settings(metadata), convolution: try Self.convolution(metadata, path),
      layers: metadata[Self.prefix + "layers"], coding: try Self.coding(metadata, path),
      methods: metadata[Self.prefix + "methods"])
  }

  private static func coding(_ metadata: [String: String], _ path: String)
    throws(CheckpointError) -> DataCoding?
  {
    guard let text = metadata[prefix + "coding"] else { return nil }
    guard let coding = try? JSONDecoder().decode(DataCoding.self, from: Data(text.utf8)) else {
      throw CheckpointError(path, "metadata 'coding' is damaged")
    }
    return coding
  }

  private static func settings(_ metadata: [String: String]) -> [String: String] {
    let start = prefix + "model."
    return metadata.reduce(into: [:]) { settings, entry in
      if entry.key.hasPrefix(start) {
        settings[String(entry.key.dropFirst(start.count))] = entry.value
      }
    }
  }

  /// Files of earlier versions say nothing: there was one way only.
  private static func convolution(_ metadata: [String: String], _ path: String)
    throws(CheckpointError) -> ConvolutionChoice
  {
    let name = metadata[prefix + "convolution"] ?? ConvolutionChoice.direct.rawValue
    guard let choice = ConvolutionChoice(rawValue: name) else {
      throw CheckpointError(path, "metadata 'convolution' is '\(name)', no way of computing one")
    }
    return choice
  }

  private static func text(_ settings: [String: String]) -> String {
    let pairs = settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return pairs.isEmpty ? "the defaults" : pairs.joined(separator: " ")
  }

  private static func text(_ lanes: Int?) -> String { lanes.map(String.init) ?? "one per rank" }

  /// What a person should know who goes on with a job whose convolutions are computed otherwise than
  /// before, because the rule that chooses has changed; nil: they are not.
  func note(continues job: CheckpointFacts) -> String? {
    guard let methods, methods != job.methods else { return nil }
    return
      "convolutions were computed as \(methods) and are now as \(job.methods ?? "none"): the run"
      + " goes on, with other rounding than without the interruption"
  }

  /// Refuses to go on with a job that this checkpoint does not belong to.
  func check(continues job: CheckpointFacts, path: String) throws(CheckpointError) {
    let pairs: [(String, String, String)] = [
      ("model", model, job.model), ("strategy", strategy, job.strategy),
      ("optimizer", optimizer, job.optimizer), ("batch", String(batch), String(job.batch)),
      ("seed", String(seed), String(job.seed)),
      ("input shape", Shape(input).description, Shape(job.input).description),
      ("number of classes", String(classes), String(job.classes)),
      ("list of layers", layers ?? "none", job.layers ?? "none"),
      ("settings of the model", Self.text(settings), Self.text(job.settings)),
      ("way of computing convolutions", convolution.rawValue, job.convolution.rawValue),
      ("number of lanes", Self.text(lanes), Self.text(job.lanes)),
      ("number of training samples", String(samples), String(job.samples)),
    ]
    for (what, here, there) in pairs where here != there {
      throw CheckpointError(
        path, "made with another \(what) (\(here), not \(there)): this job cannot go on from it")
    }
    if let coding, let other = job.coding, coding != other {
      throw CheckpointError(
        path,
        "made with other data (\(coding.description); these have \(coding.difference(of: other))):"
          + " this job cannot go on from it")
    }
  }

  /// `data`, which the user called `name`, in the coding that the model was trained in.
  ///
  /// - Throws: `UsageError` where the numbers of `data` stand for something else.
  public func coded(_ data: any Dataset, named name: String) throws(UsageError) -> any Dataset {
    guard let coding else { return data }
    guard let data = data.recoded(in: coding) else {
      throw UsageError(
        "the model was trained on \(coding.description); \(name) has "
          + coding.difference(of: data.coding))
    }
    return data
  }
}
