// `apus train`.

import ArgumentParser
import Foundation
import Kernels
import Messaging
import Training

/// Trains a model.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a model on data, over all ranks.",
    discussion: """
      The batch is that of all ranks together: with --batch 128, four ranks take 32 samples each \
      in every step. Names of models, data sets, strategies and so on, and the settings that --set \
      knows, are shown by `apus list`.
      """)

  @Argument(
    help: """
      A job in YAML: the keys of a run's job.yaml, any of which may be left out; the model may be a \
      list of layers. Options go before what it says.
      """)
  var file: String?

  @OptionGroup var options: JobOptions

  @Option(
    name: .customLong("run"),
    help: "The run's folder. (default: runs/MODEL-DATA-STRATEGY-NUMBER)")
  var folder: String?

  @Flag(
    help: """
      Go on with the run in --run from its newest whole checkpoint, with the options it was \
      started with unless others are given; begin anew if it has none.
      """)
  var resume = false

  @Flag(
    help: """
      Write trace.json into the run's folder: what every rank did when, layer by layer and round \
      by round; open it at https://ui.perfetto.dev.
      """)
  var trace = false

  @Option(parsing: .unconditional, help: "Steps that --trace records, from the third on.")
  var traceSteps = 20

  @Flag(help: "Print nothing; log.jsonl tells all.")
  var quiet = false

  func validate() throws {
    if resume && folder == nil { throw ValidationError("--resume needs --run FOLDER") }
    if traceSteps < 1 { throw ValidationError("--trace-steps \(traceSteps): at least one step") }
    if folder == "" { throw ValidationError("--run needs the name of a folder") }
  }

  func run() throws {
    // Before MPI, which may take long to begin: a stop that comes early is a stop all the same.
    StopSignal.install()
    try World.run { communicator, kernels in
      let agreement = Agreement(over: communicator)
      let isFirst = communicator.rank == 0
      // Rank 0 alone looks at the file system; the others take its word.
      let read = try agreement.agree {
        isFirst ? try options.job(file, resuming: resume ? folder : nil) : nil
      }
      let yaml = try agreement.agree { try read?.yaml() ?? "" }
      var job = try Job(yaml: agreement.share(yaml), path: "job.yaml")
      // These still know their lines in the user's file.
      if let layers = read?.layers { job.layers = layers }
      let style = try agreement.agree {
        quiet
          ? ProgressStyle.none : try .suited(to: ProcessInfo.processInfo.environment)
      }
      let trainer = try Trainer(
        job, folder: folder, resume: resume, style: style, tracedSteps: trace ? traceSteps : 0,
        over: communicator, kernels: kernels)
      let ending = try trainer.run()
      if isFirst && !quiet { print(Self.summary(of: ending, folder: trainer.place)) }
      return ending.isStopped ? .stopped : .done
    }
  }

  /// The last words of a run.
  private static func summary(of ending: Ending, folder: String) -> String {
    let seconds = String(format: "%.1f", ending.seconds)
    guard !ending.isStopped else {
      return "stopped on request after step \(ending.step) (\(seconds) s);"
        + " go on with --resume --run \(folder)"
    }
    var lines = ["done: \(ending.step) steps in \(seconds) s"]
    if let heldOut = ending.heldOut {
      lines.append(
        String(
          format: "held-out accuracy %.4f, loss %.4f", heldOut.accuracy, heldOut.loss))
    }
    lines.append("curves       \(folder)/curves.svg")
    lines.append("log          \(folder)/log.jsonl")
    lines.append("checkpoints  \(folder)/checkpoints")
    return lines.joined(separator: "\n")
  }
}
