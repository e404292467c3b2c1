// Entering and leaving MPI.

import CMPI
import Messaging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// All ranks of the job that `mpirun` or `srun` has started.
public enum MPIWorld {
  /// Starts MPI and returns the communicator of all ranks, a duplicate of MPI_COMM_WORLD that
  /// nobody else sends on. Call it once, on the main thread, which then makes all calls.
  ///
  /// MPI is left when the program ends by `exit` or by returning from main. That waits until the
  /// others come to their end too. Should one of them need this rank once more, its call throws an
  /// error that names this rank, about two seconds later; a rank that fails alone had better call
  /// `abort`. One call cannot notice: `allReduce` of floats, on nodes with a core for each rank,
  /// is the library's blocking call.
  ///
  /// - Throws: what MPI says; and an explanation when another MPI's launcher has been used.
  public static func start() throws(MessagingError) -> MPICommunicator {
    var isRunning: Int32 = 0
    try check(MPI_Initialized(&isRunning), "MPI_Initialized", rank: 0)
    if isRunning == 0 {
      var provided: Int32 = 0
      // A program started without a launcher needs none of Open MPI's daemons beside it.
      setenv("OMPI_MCA_ess_singleton_isolated", "1", 0)
      try check(
        MPI_Init_thread(nil, nil, cmpi_thread_funneled(), &provided), "MPI_Init_thread", rank: 0)
      atexit { MPIWorld.finish() }
    }
    for communicator in [cmpi_comm_world(), cmpi_comm_self()] {
      try check(
        MPI_Comm_set_errhandler(communicator, cmpi_errors_return()), "MPI_Comm_set_errhandler",
        rank: 0)
    }
    let control = try MPICommunicator(try duplicateWorld(), ledger: nil)
    if control.size > 1 { attendance = Attendance(control) }
    let world = try MPICommunicator(try duplicateWorld(), ledger: Ledger(identity: 1))
    if let complaint = Launcher.complaint(
      environment: environment, size: world.size, library: libraryVersion)
    {
      throw MessagingError(call: "MPI_Init_thread", rank: 0, text: complaint)
    }
    try world.measureCrowd()
    return world
  }

  /// Leaves MPI, if it is running. Waits for the other ranks. No communicator works afterwards.
  public static func finish() {
    // MPICH's MPI_Abort ends the process by `exit`.
    guard isRunning, !isAborting else { return }
    // If communication is broken, MPI_Finalize may know better.
    try? attendance?.leave()
    attendance = nil
    _ = MPI_Finalize()
  }

  // Written by the one thread that calls MPI.
  nonisolated(unsafe) static private(set) var attendance: Attendance?
  nonisolated(unsafe) static var isAborting = false

  private static func duplicateWorld() throws(MessagingError) -> cmpi_comm {
    var box = cmpi_no_comm()
    try check(MPI_Comm_dup(cmpi_comm_world(), &box.comm), "MPI_Comm_dup", rank: 0)
    return box
  }

  /// Whether MPI has been started and not been left.
  public static var isRunning: Bool {
    var begun: Int32 = 0
    var ended: Int32 = 0
    return MPI_Initialized(&begun) == cmpi_success() && MPI_Finalized(&ended) == cmpi_success()
      && begun != 0 && ended == 0
  }

  /// The implementation's name and version, one line; available before `start`.
  public static var libraryVersion: String {
    let text = mpiString(capacity: cmpi_max_library_version_string()) {
      MPI_Get_library_version($0, $1)
    }
    // Open MPI: one line with commas. MPICH: many lines, "MPICH Version:      4.0.2" first.
    let line = text.prefix { !$0.isNewline }.prefix { $0 != "," }
    return line.split { $0.isWhitespace }.filter { $0 != "Version:" }.joined(separator: " ")
  }

  /// The process's environment; read here because this module does without Foundation.
  private static var environment: [String: String] {
    var result: [String: String] = [:]
    for name in [
      "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_ID", "SLURM_PROCID",
      "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS",
    ] {
      if let value = getenv(name) { result[name] = String(cString: value) }
    }
    return result
  }
}
