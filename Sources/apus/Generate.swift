// `apus generate`.

import ArgumentParser
import Basics
import Datasets
import Foundation
import Kernels
import Layers
import Training

/// Lets a trained model make something up.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let a trained model make something up: pictures (gan), or text (gpt, lstm, gru).",
    discussion: """
      Pictures are written to a PNG file, text to standard output. Equal seeds make equal things.
      """)

  @Argument(help: "A run's folder, for its newest whole checkpoint.")
  var folder: String

  @Option(help: "Pictures to make. (default: 64)")
  var count: Int?

  @Option(help: "The file for pictures. (default: generated.png in the run's folder)")
  var output: String?

  @Option(help: "What the text begins with.")
  var prompt: String?

  @Option(help: "Characters to write. (default: 500)")
  var length: Int?

  @Option(
    parsing: .unconditional,
    help: "How boldly characters are drawn; 0: always the likeliest one. (default: 0.8)")
  var temperature: Double?

  @Option(help: "Seed of what is made.")
  var seed: UInt64 = 1

  func validate() throws {
    guard (1...4_096).contains(count ?? 1) else {
      throw ValidationError("--count: 1 to 4096 pictures")
    }
    guard (1...1 << 30).contains(length ?? 1) else {
      throw ValidationError("--length: at least 1 character")
    }
    guard (0..<Double.infinity).contains(temperature ?? 0) else {
      throw ValidationError("--temperature: a number of at least 0")
    }
  }

  func run() throws {
    do { try generate() } catch { throw Failure(error) }
  }

  private func generate() throws {
    guard RunFolder.holdsRun(folder) else {
      throw UsageError("\(folder) is not the folder of a run")
    }
    let stored = try StoredModel(at: folder)
    if let note = stored.note { Failure.say(note) }
    let job = try Job(ofRun: folder)
    let declared = try DatasetSpecification(job.data).format.settings
    let opened = try openDataset(job.data, settings: declared.selection(from: job.settings))
      .training
    let data = try stored.facts.coded(opened, named: job.data)
    let kernels = try KernelSelection.select(environment: ProcessInfo.processInfo.environment)
    Denormals.flush()
    let model = try stored.facts.makeModel(
      for: data.space, capacity: 32, place: folder, kernels: kernels)
    let parameters = FloatBuffer(count: model.layout.count)
    try stored.read(model.layout, into: parameters)
    if let pair = model as? Adversarial {
      try refuse([("prompt", prompt), ("length", length), ("temperature", temperature)], "texts")
      let file = output ?? (folder as NSString).appendingPathComponent("generated.png")
      let png = try PictureSheet.png(of: pair, at: parameters, count: count ?? 64, seed: seed)
      try AtomicFile.write(png, to: file)
      print(
        "\(file): \(count ?? 64) pictures by \(stored.facts.model) after \(stored.facts.step) steps"
      )
    } else if let text = data as? TextWindows {
      try refuse([("count", count), ("output", output)], "pictures")
      let generator = try TextGenerator(
        model, at: parameters, alphabet: text.alphabet, prompt: prompt ?? "",
        temperature: temperature ?? 0.8, seed: seed)
      let out = FileHandle.standardOutput
      try out.write(contentsOf: Data(generator.start))
      for _ in 0..<(length ?? 500) { try out.write(contentsOf: Data(generator.next())) }
      try out.write(contentsOf: Data("\n".utf8))
    } else {
      throw UsageError(
        "\(stored.facts.model) generates nothing; gan makes pictures, gpt, lstm and gru write text")
    }
  }

  /// Flags that would do nothing.
  private func refuse(_ flags: [(name: String, value: Any?)], _ what: String) throws {
    for case (let name, .some) in flags { throw UsageError("--\(name) is for \(what) only") }
  }
}
