// What the environment says about who started this process, before MPI is asked.

import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// The launcher's view of this process.
enum Launcher {
  /// This process's number among those started together, if a launcher says so. (In a batch script
  /// Slurm sets SLURM_PROCID too; only within a step are there several tasks.)
  static func rank(in environment: [String: String]) -> Int? {
    for name in ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"] {
      if let rank = environment[name].flatMap(Int.init) { return rank }
    }
    guard environment["SLURM_STEP_ID"] != nil else { return nil }
    return environment["SLURM_PROCID"].flatMap(Int.init)
  }

  /// A mistake on the command line is the same on all ranks: one of them explaining it is enough.
  static func silenceAllButOneRank() {
    guard let rank = rank(in: ProcessInfo.processInfo.environment), rank > 0 else { return }
    isSilent = true
    savedError = dup(STDERR_FILENO)
    let nothing = open("/dev/null", O_WRONLY)
    dup2(nothing, STDERR_FILENO)
    dup2(nothing, STDOUT_FILENO)
    close(nothing)
  }

  /// Once the command line is understood, every rank may have something of its own to say.
  static func restoreStandardError() {
    guard isSilent else { return }
    isSilent = false
    dup2(savedError, STDERR_FILENO)
    close(savedError)
  }

  // Written once, before anything else runs.
  nonisolated(unsafe) private static var isSilent = false
  nonisolated(unsafe) private static var savedError: Int32 = -1
}
