// How a run takes up where it was left: rank 0 reads, all ranks agree on the step.

import Basics

/// The beginning of a resumed run.
enum Restoration {
  /// Restores the newest whole checkpoint on all ranks; nil where there is none at all.
  static func run(
    _ assembly: Assembly, from folder: CheckpointFolder, _ agreement: Agreement
  ) throws -> (step: Int, note: String?)? {
    let isReader = assembly.worker.communicator.rank == 0
    var found: (path: String, contents: SafetensorsFile.Contents)?
    var damaged: [String] = []
    var notes: [String] = []
    var step = -1.0
    try agreement.agree {
      guard isReader else { return }
      (found, damaged) = folder.newestValid()
      guard let found else {
        if let first = damaged.first { throw CheckpointError("no checkpoint is whole", first) }
        return
      }
      let facts = try CheckpointFacts(found.contents.metadata, path: found.path)
      try facts.check(continues: assembly.facts, path: found.path)
      step = Double(facts.step)
      if !damaged.isEmpty {
        notes.append(damaged.joined(separator: "; ") + "; going on from \(found.path)")
      }
      if let note = facts.note(continues: assembly.facts) { notes.append(note) }
    }
    step = try agreement.reduce(step, .maximum)
    guard step >= 0 else { return nil }
    try Checkpoint(worker: assembly.worker, strategy: assembly.strategy)
      .restore(found?.contents, path: found?.path ?? "")
    return (Int(step), notes.isEmpty ? nil : notes.joined(separator: "; "))
  }
}
