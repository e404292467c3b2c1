// A job: what was asked for, with all defaults filled in. It is written to the run's folder as
// `job.yaml`, and a resumed run begins from there.

import Basics
import Collectives
import Foundation
import Layers
import Strategies
import Yams

/// Everything that determines a run's result, beside the number of ranks and the instruction set.
public struct Job: Codable, Sendable, Equatable {
  /// Names in the catalogues.
  public var model = "cnn", data = "fashion-mnist", strategy = "sync", optimizer = "adam"
  /// Base learning rate at the end of warm-up.
  public var learningRate = 0.001
  /// The layers of a model of the user's own; then `model` is `custom`.
  public var layers: [LayerDescription]?
  /// How the rate changes, and the length of the linear ramp (`2`: epochs, `500steps`).
  public var schedule = "constant", warmup = "0"
  /// Batch for which `learningRate` is meant; another batch scales the rate linearly.
  public var referenceBatch: Int?
  /// Samples per step over all ranks.
  public var batch = 128
  /// Passes over the training data.
  public var epochs = 10
  /// Number of steps; overrides `epochs`.
  public var steps: Int?
  /// Limit on the gradient's global norm.
  public var clip: Double?
  /// Parts of every step's samples whose gradients are summed in one order on any number of ranks;
  /// nil: one per rank.
  public var lanes: Int?
  /// How gradients are summed over ranks; `auto`: in shared memory, or over several nodes as is
  /// fastest there.
  public var allReduce = TunedAllReduce.autoName
  /// The form in which gradients travel.
  public var wire = "float32"
  /// Who updates parameters: `replicated`, `sharded`.
  public var update = "replicated"
  /// Bytes of gradients that travel at once; nil: chosen from that measurement.
  public var bucket: Int?
  /// How convolutions are computed where that is possible: by the rule, or all in one way.
  public var convolution = ConvolutionChoice.automatic
  /// Seed of initial parameters and sample order.
  public var seed: UInt64 = 1
  /// Settings of data, model, strategy, optimizer and schedule.
  public var settings: [String: String] = [:]
  /// Steps between checkpoints; nil: one per epoch.
  public var checkpointEvery: Int?
  /// Checkpoints kept.
  public var keep = 3
  /// Steps between progress reports, beyond the first 20 steps.
  public var logEvery = 10

  /// A job with every default.
  public init() {}

  enum CodingKeys: String, CodingKey, CaseIterable {
    case model, data, strategy, optimizer
    case learningRate = "learning-rate"
    case schedule, warmup
    case referenceBatch = "reference-batch"
    case batch, epochs, steps, clip, lanes
    case allReduce = "all-reduce"
    case wire, update, bucket, convolution, seed, settings
    case checkpointEvery = "checkpoint-every"
    case keep
    case logEvery = "log-every"

    /// What is needed, for a person whose value is something else.
    var values: String {
      switch self {
      case .learningRate, .clip: "a number is needed"
      case .referenceBatch, .batch, .epochs, .steps, .lanes, .bucket, .checkpointEvery, .keep,
        .logEvery:
        "a whole number is needed"
      case .seed: "a whole number of at least 0 is needed"
      case .convolution:
        "known are " + ConvolutionChoice.allCases.map(\.rawValue).joined(separator: ", ")
      case .settings: "lines of NAME: VALUE are needed"
      case .model, .data, .strategy, .optimizer, .schedule, .warmup, .allReduce, .wire, .update:
        "one word is needed"
      }
    }
  }

  /// The job as YAML, one line per key, and one per layer.
  public func yaml() throws -> String {
    let text = try YAMLEncoder().encode(self)
    guard let layers, var node = try Yams.compose(yaml: text) else { return text }
    node[CodingKeys.model.rawValue] = NetworkYAML.node(layers)
    return try Yams.serialize(node: node)
  }

  /// What `model` says of a model of the user's own.
  public static let customModel = "custom"

  /// Keys that runs of earlier versions lack, and what those runs did.
  private static let laterKeys: [(key: CodingKeys, value: String)] = [
    (.wire, "float32"), (.update, UpdatePlacement.replicated.rawValue),
    // There was no other way.
    (.convolution, ConvolutionChoice.direct.rawValue),
  ]

  /// Reads a job.
  ///
  /// - Parameter isPartial: keys that are not there have their defaults, as in a file that a person
  ///   wrote; otherwise every key must be there but those that may be left out and those that came
  ///   later.
  /// - Throws: `JobError` naming the line, and the key that is missing, unknown, or of another kind.
  public init(yaml: String, path: String, isPartial: Bool = false) throws {
    var node: Node?
    // Some editors begin a file with a byte order mark.
    let isMarked = yaml.unicodeScalars.first == "\u{FEFF}"
    let yaml = isMarked ? String(yaml.unicodeScalars.dropFirst()) : yaml
    do { node = try Yams.compose(yaml: yaml) } catch {
      throw JobError(path: path, problem: "it is not YAML: \(error)")
    }
    guard var node, let mapping = node.mapping, !mapping.isEmpty else {
      throw JobError(path: path, problem: "it holds no keys")
    }
    let keys = CodingKeys.allCases.map(\.rawValue)
    for (key, _) in mapping where !keys.contains(key.scalar?.string ?? "") {
      let name = key.scalar?.string ?? "?"
      throw JobError(
        path: NetworkYAML.place(key, path),
        problem: "\(UnknownName(kind: "key", name: name, known: keys))")
    }
    let model = CodingKeys.model.rawValue
    var layers: [LayerDescription]?
    if let list = node[model], list.scalar == nil {
      let found = try NetworkYAML.layers(list, path: path)
      for layer in found { _ = try layer.part() }
      layers = found
      node[model] = Node(Self.customModel)
    }
    let known = isPartial ? try Yams.compose(yaml: YAMLEncoder().encode(Job()))?.mapping : nil
    for (key, value) in known ?? [:] where node[key.scalar?.string ?? ""] == nil {
      node[key.scalar?.string ?? ""] = value
    }
    for (key, value) in Self.laterKeys where node[key.rawValue] == nil {
      node[key.rawValue] = Node(value)
    }
    do { self = try YAMLDecoder().decode(Job.self, from: node) } catch let error as DecodingError {
      let value = Self.key(of: error).flatMap { node[$0] }
      throw JobError(
        path: value.map { NetworkYAML.place($0, path) } ?? path,
        problem: Self.explanation(of: error, value: value?.scalar?.string))
    }
    self.layers = layers
  }

  private static func key(of error: DecodingError) -> String? {
    switch error {
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      context.codingPath.first?.stringValue
    default: nil
    }
  }

  /// Reads the job of a run's folder.
  public init(ofRun run: String) throws {
    let path = (run as NSString).appendingPathComponent("job.yaml")
    let data = try AtomicFile.read(path)
    try self.init(yaml: String(decoding: data, as: UTF8.self), path: path)
  }

  private static func explanation(of error: DecodingError, value: String?) -> String {
    if case .keyNotFound(let key, _) = error { return "the key '\(key.stringValue)' is missing" }
    guard let name = key(of: error), let key = CodingKeys(rawValue: name) else { return "\(error)" }
    return "'\(name)\(value.map { ": \($0)" } ?? "")' will not do: \(key.values)"
  }

  /// Most steps that a run may have.
  static let mostSteps = 1 << 48

  /// Checks what can be checked without data or other ranks.
  ///
  /// - Throws: `UsageError` naming the flag.
  public func validate(workers: Int) throws {
    func require(_ condition: Bool, _ message: String) throws {
      if !condition { throw UsageError(message) }
    }
    try require(
      Float(learningRate).isFinite && learningRate >= 0,
      "--learning-rate \(learningRate): a finite number of at least 0 is needed")
    try require(batch > 0, "--batch \(batch): at least one sample per step is needed")
    try require(
      batch >= workers,
      "--batch \(batch) is smaller than the \(workers) ranks that share it: every rank needs a"
        + " sample; raise --batch or start fewer ranks")
    try validateLanes(workers: workers)
    try require(batch <= 1 << 24, "--batch \(batch): at most \(1 << 24) samples per step")
    try require(epochs > 0, "--epochs \(epochs): at least one epoch is needed")
    try require(
      steps.map { (1...Self.mostSteps).contains($0) } ?? true,
      "--steps \(steps ?? 0): from 1 to \(Self.mostSteps) steps are possible")
    try require(
      clip.map { Float($0) > 0 && Float($0).isFinite } ?? true,
      "--clip \(clip ?? 0): a number above 0 is needed")
    try require(
      checkpointEvery.map { $0 > 0 } ?? true,
      "--checkpoint-every \(checkpointEvery ?? 0): at least one step is needed")
    try require(keep > 0, "--keep \(keep): at least one checkpoint must be kept")
    try require(logEvery > 0, "--log-every \(logEvery): at least one step is needed")
    try require(
      bucket.map { $0 > 0 } ?? true, "--bucket \(bucket ?? 0): at least one byte is needed")
    try require(
      referenceBatch.map { $0 > 0 } ?? true,
      "--reference-batch \(referenceBatch ?? 0): at least one sample is needed")
  }
}

extension Job {
  private func validateLanes(workers: Int) throws {
    guard let lanes else { return }
    func require(_ condition: Bool, _ message: String) throws {
      if !condition { throw UsageError("--lanes \(lanes)" + message) }
    }
    try require(lanes > 0, ": at least one lane is needed")
    try require(
      lanes >= workers,
      " is fewer than the \(workers) ranks that share them: every rank needs a lane; raise --lanes"
        + " or start fewer ranks")
    try require(
      lanes <= batch, " is more than --batch \(batch) has samples: every lane needs a sample")
    try require(
      allReduce == TunedAllReduce.autoName,
      ": gradients are summed over lanes, not by --all-reduce \(allReduce)")
    try require(
      wire == WireFormat.float32.rawValue,
      ": with --wire \(wire) the result would depend on the number of ranks")
  }
}

/// A job description cannot be used.
public struct JobError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file, and what is wrong with it.
  let path, problem: String

  public var description: String { "\(path): not a job description: \(problem)" }
}
