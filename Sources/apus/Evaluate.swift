// `apus evaluate`.

import ArgumentParser
import Foundation
import Training

/// Evaluates a checkpoint.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Loss and accuracy of a checkpoint on held-out data, shared among the ranks.")

  @Argument(help: "A checkpoint file, or a run's folder for its newest whole checkpoint.")
  var checkpoint: String

  @Option(help: "The data. (default: those of the run, where a run's folder is given)")
  var data: String?

  @Flag(help: "Print one JSON object instead of a sentence.")
  var json = false

  func run() throws {
    try World.run { communicator, kernels in
      let agreement = Agreement(over: communicator)
      let wanted = try agreement.share(
        agreement.agree { communicator.rank == 0 ? try dataOfRun() : "" })
      let (figures, facts, samples) = try StoredModel.evaluate(
        at: checkpoint, on: wanted, over: communicator, kernels: kernels)
      guard communicator.rank == 0 else { return .done }
      if json {
        var line = LogLine(.evaluation)
        (line.step, line.heldOutLoss) = (facts.step, figures.loss)
        line.heldOutAccuracy = figures.accuracy
        print(try line.json())
      } else {
        print(
          "\(facts.model) after \(facts.step) steps, \(samples) held-out samples of \(wanted): "
            + String(format: "accuracy %.4f, loss %.4f", figures.accuracy, figures.loss))
      }
      return .done
    }
  }

  private func dataOfRun() throws -> String {
    if let data { return data }
    guard RunFolder.holdsRun(checkpoint) else {
      throw UsageError("--data is needed: \(checkpoint) is not the folder of a run")
    }
    return try Job(ofRun: checkpoint).data
  }
}
