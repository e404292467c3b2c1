// The command line. It reads the user's words, starts MPI, hands both to the module Training, and
// turns errors into one line and an exit code.

import ArgumentParser
import Basics
import Training

/// The program.
@main
struct Apus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apus",
    abstract: "Trains neural networks data-parallel over MPI.",
    discussion: """
      Start it alone for one rank, or with your MPI's launcher for several:

        apus train --model cnn --data generated --epochs 2
        mpirun -np 4 apus train --model mlp --data fashion-mnist --batch 256
        srun -n 64 apus train --model lenet --data idx:/data/mnist --run runs/lenet

      A run writes its folder as it goes: log.jsonl (one JSON object per report), curves.svg \
      (loss and accuracy), checkpoints/*.safetensors (they open in PyTorch and NumPy), job.yaml.
      """,
    version: apusVersion,
    subcommands: [
      Train.self, Evaluate.self, Generate.self, Export.self, Inspect.self, List.self, Bench.self,
      PlanCommand.self, Draw.self,
    ])

  static func main() {
    Launcher.silenceAllButOneRank()
    var command: any ParsableCommand
    do {
      try checkCommand(CommandLine.arguments.dropFirst().first)
      command = try parseAsRoot()
      try command.run()
    } catch let error as Failure {
      error.report()
    } catch {
      // Help and version are no mistakes; a mistake is one line, as every other error is.
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      Failure(UsageError("\(message(for: error)) (see apus --help)")).report()
    }
  }
}

extension Apus {
  /// A command that does not exist: the nearest one is suggested, as for every other name.
  private static func checkCommand(_ word: String?) throws {
    let known = configuration.subcommands.map { $0._commandName } + ["help"]
    guard let word, !word.hasPrefix("-"), !known.contains(word) else { return }
    throw Failure(UnknownName(kind: "command", name: word, known: known))
  }
}

/// The version in `--version`, as in CHANGELOG.md.
let apusVersion = "0.3.0"
