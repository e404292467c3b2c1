// The flags that describe a job. All may be left out: what is not given comes from the resumed
// run's job.yaml, else from the defaults.

import ArgumentParser
import Basics
import Foundation
import Layers
import Training

extension ConvolutionChoice: ExpressibleByArgument {}

/// Flags of `apus train` that end up in the job.
struct JobOptions: ParsableArguments {
  @Option(help: "The model. (default: cnn)")
  var model: String?

  @Option(
    help: "The data: fashion-mnist, generated, or FORMAT:PATH. (default: fashion-mnist)")
  var data: String?

  @Option(help: "The training method. (default: sync)")
  var strategy: String?

  @Option(help: "How gradients change parameters. (default: adam)")
  var optimizer: String?

  @Option(parsing: .unconditional, help: "Learning rate. (default: 0.001)")
  var learningRate: Double?

  @Option(help: "How the rate changes over the run: constant, step, cosine. (default: constant)")
  var schedule: String?

  @Option(help: "Linear warm-up: epochs, or as in 500steps. (default: 0)")
  var warmup: String?

  @Option(
    parsing: .unconditional,
    help: "Scale the rate by batch / REFERENCE-BATCH (linear scaling rule). (default: no scaling)")
  var referenceBatch: Int?

  @Option(parsing: .unconditional, help: "Samples per step over all ranks. (default: 128)")
  var batch: Int?

  @Option(parsing: .unconditional, help: "Passes over the training data. (default: 10)")
  var epochs: Int?

  @Option(parsing: .unconditional, help: "Number of steps, instead of epochs.")
  var steps: Int?

  @Option(
    parsing: .unconditional,
    help: "Largest global norm of the gradient; larger ones are scaled down.")
  var clip: Double?

  @Option(
    help: """
      How gradients are summed over ranks: a name that `apus list` shows, or auto: shared \
      memory on one node; on several what is fastest there, measured at start. (default: auto)
      """)
  var allReduce: String?

  @Option(
    help: """
      The form in which gradients travel as messages (method sync): float32, bfloat16, float16. \
      Shared memory and the MPI library's own sums stay float32. (default: float32)
      """)
  var wire: String?

  @Option(
    parsing: .unconditional,
    help: """
      Cut every step's samples into so many lanes, and sum their gradients in an order that depends \
      on nothing else: the same bits on 1, 2, ... LANES ranks, and a run may be resumed on another \
      number of them. (default: one per rank, summed as is fastest)
      """)
  var lanes: Int?

  @Option(
    help: """
      Who updates parameters: replicated (every rank all of them), or sharded (every rank a part, \
      with optimizer state for that part alone; the same result). (default: replicated)
      """)
  var update: String?

  @Option(
    parsing: .unconditional,
    help: "Bytes of gradients that travel at once. (default: chosen from a measurement at start)")
  var bucket: Int?

  @Option(
    help: """
      How convolutions are computed where that is possible: auto (a rule by shape), direct, f2, f4 \
      (Winograd's; `apus inspect --plan MODEL` shows what is used). (default: auto)
      """)
  var convolution: ConvolutionChoice?

  @Option(
    parsing: .unconditional, help: "Seed of initial parameters and sample order. (default: 1)")
  var seed: UInt64?

  @Option(
    help: "A setting of model, data, strategy, optimizer or schedule, as NAME=VALUE. Repeatable.")
  var set: [String] = []

  @Option(help: "Short for --set momentum=VALUE.")
  var momentum: String?

  @Option(help: "Short for --set weight_decay=VALUE.")
  var weightDecay: String?

  @Option(parsing: .unconditional, help: "Steps between checkpoints. (default: one per epoch)")
  var checkpointEvery: Int?

  @Option(parsing: .unconditional, help: "Checkpoints to keep. (default: 3)")
  var keep: Int?

  @Option(
    parsing: .unconditional,
    help: "Steps between progress reports, after the first 20 steps. (default: 10)")
  var logEvery: Int?

  /// The job: defaults, then the file's, else the resumed run's, then these flags.
  func job(_ file: String? = nil, resuming run: String?) throws -> Job {
    var job = Job()
    if let file {
      let text = String(decoding: try AtomicFile.read(file), as: UTF8.self)
      job = try Job(yaml: text, path: file, isPartial: true)
    } else if let run, RunFolder.holdsRun(run) {
      // A run that never began has nothing to go on from; one with checkpoints must say what it is.
      job = try Job(ofRun: run)
    }
    func take<Value>(_ value: Value?, _ key: WritableKeyPath<Job, Value>) {
      if let value { job[keyPath: key] = value }
    }
    func take<Value>(_ value: Value?, _ key: WritableKeyPath<Job, Value?>) {
      if let value { job[keyPath: key] = value }
    }
    take(model, \.model)
    if model != nil { job.layers = nil }
    take(data, \.data)
    take(strategy, \.strategy)
    take(optimizer, \.optimizer)
    take(learningRate, \.learningRate)
    take(schedule, \.schedule)
    take(warmup, \.warmup)
    take(referenceBatch, \.referenceBatch)
    take(batch, \.batch)
    take(epochs, \.epochs)
    take(steps, \.steps)
    // Epochs that are asked for anew replace an earlier number of steps.
    if epochs != nil && steps == nil { job.steps = nil }
    take(clip, \.clip)
    take(lanes, \.lanes)
    take(allReduce, \.allReduce)
    take(wire, \.wire)
    take(update, \.update)
    take(bucket, \.bucket)
    take(convolution, \.convolution)
    take(seed, \.seed)
    take(checkpointEvery, \.checkpointEvery)
    take(keep, \.keep)
    take(logEvery, \.logEvery)
    for pair in set where !pair.dropFirst().contains("=") {
      throw UsageError("--set \(pair): NAME=VALUE is needed")
    }
    job.settings.merge(try Settings.pairs(set)) { $1 }
    if let momentum { job.settings["momentum"] = momentum }
    if let weightDecay { job.settings["weight_decay"] = weightDecay }
    return job
  }
}
