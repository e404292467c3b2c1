// The commonest accident with MPI: the program is linked to one implementation and started by
// another's launcher. Each process then believes to be alone, and N of them overwrite each other's
// files. Launchers leave traces in the environment that give this away.

/// Finds launchers that MPI itself has not noticed.
enum Launcher {
  /// A launcher's trace.
  struct Trace: Equatable {
    let name: String
    let processes: Int
    let advice: String
  }

  /// Who seems to have started several processes, to judge by the environment; nil if nobody.
  static func trace(in environment: [String: String]) -> Trace? {
    func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
    if let size = number("OMPI_COMM_WORLD_SIZE"), size > 1 {
      return Trace(
        name: "Open MPI's mpirun", processes: size,
        advice: "start it with the mpirun of the MPI it is linked to, or build it against Open MPI "
          + "(for example with MPI_PKGCONFIG=ompi-c)")
    }
    if let size = number("PMI_SIZE") ?? number("MPI_LOCALNRANKS"), size > 1 {
      return Trace(
        name: "an mpirun of the MPICH family", processes: size,
        advice: "start it with the mpirun of the MPI it is linked to, or build it against that "
          + "MPICH (for example with MPI_PKGCONFIG=mpich)")
    }
    // A batch script has a rank but no step; only processes of a step are tasks.
    if environment["SLURM_STEP_ID"] != nil, environment["SLURM_PROCID"] != nil,
      let size = number("SLURM_STEP_NUM_TASKS") ?? number("SLURM_NTASKS"), size > 1
    {
      return Trace(
        name: "srun", processes: size,
        advice: "choose a start-up protocol that this MPI speaks: srun --mpi=pmix for Open MPI, "
          + "srun --mpi=pmi2 for MPICH (srun --mpi=list shows all)")
    }
    return nil
  }

  /// What to tell the user if MPI sees one rank only; nil if that is all right.
  static func complaint(environment: [String: String], size: Int, library: String) -> String? {
    guard size == 1, let trace = trace(in: environment) else { return nil }
    return "this program was started \(trace.processes) times by \(trace.name), but the MPI it is "
      + "linked to (\(library)) knows of one rank only; \(trace.advice)"
  }
}
