// `apus export`.

import ArgumentParser
import Training

/// Writes a checkpoint's model to a file of its own.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a checkpoint's model, without the optimizer's state, for other programs.",
    discussion: """
      The file is in the safetensors format, its tensors are PyTorch's: \
      module.load_state_dict(safetensors.torch.load_file(FILE)) takes it as it is.
      """)

  @Argument(help: "A checkpoint file, or a run's folder for its newest whole checkpoint.")
  var checkpoint: String

  @Argument(help: "The file to write.")
  var file: String

  func run() throws {
    do {
      let stored = try StoredModel(at: checkpoint)
      if let note = stored.note { Failure.say(note) }
      let count = try stored.export(to: file)
      print("\(file): \(count) tensors of \(stored.facts.model) after \(stored.facts.step) steps")
    } catch { throw Failure(error) }
  }
}
