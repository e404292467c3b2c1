// `apus evaluate`.

import ArgumentParser
import Basics
import Datasets
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

  @Option(
    help: """
      A setting of the data, as NAME=VALUE. Repeatable. (default: those of the run, where a run's \
      folder is given)
      """)
  var set: [String] = []

  @Flag(help: "Print one JSON object instead of a sentence.")
  var json = false

  func run() throws {
    try World.run { communicator, kernels in
      let agreement = Agreement(over: communicator)
      let text = try agreement.share(
        agreement.agree { communicator.rank == 0 ? try request().json() : "" })
      let wanted = try JSONDecoder().decode(Request.self, from: Data(text.utf8))
      let (figures, facts, samples) = try StoredModel.evaluate(
        at: checkpoint, on: wanted.data, settings: wanted.settings, over: communicator,
        kernels: kernels)
      guard communicator.rank == 0 else { return .done }
      if json {
        var line = LogLine(.evaluation)
        (line.step, line.heldOutLoss) = (facts.step, figures.loss)
        line.heldOutAccuracy = figures.accuracy
        print(try line.json())
      } else {
        print(
          "\(facts.model) after \(facts.step) steps, \(samples) held-out samples of \(wanted.data): "
            + String(format: "accuracy %.4f, loss %.4f", figures.accuracy, figures.loss))
      }
      return .done
    }
  }

  /// What is evaluated on, as rank 0 tells the others.
  private struct Request: Codable {
    var data: String
    var settings: [String: String]

    func json() throws -> String {
      String(decoding: try JSONEncoder().encode(self), as: UTF8.self)
    }
  }

  /// The flags, and what they leave open from the run's folder.
  private func request() throws -> Request {
    let job = RunFolder.holdsRun(checkpoint) ? try Job(ofRun: checkpoint) : nil
    guard let data = data ?? job?.data else {
      throw UsageError("--data is needed: \(checkpoint) is not the folder of a run")
    }
    let declared = try DatasetSpecification(data).format.settings
    var given = declared.selection(from: job?.settings ?? [:])
    // A share of the run's own file says nothing about others.
    if self.data != nil { given["heldout"] = nil }
    return Request(data: data, settings: given.merging(try Settings.pairs(set)) { $1 })
  }
}
