import Testing

@testable import MPIMessaging

@Suite struct LauncherTests {
  @Test func launchersLeaveTraces() {
    func name(_ environment: [String: String]) -> String? {
      Launcher.trace(in: environment).map { "\($0.name) \($0.processes)" }
    }
    #expect(name([:]) == nil)
    #expect(name(["OMPI_COMM_WORLD_SIZE": "4"]) == "Open MPI's mpirun 4")
    #expect(name(["OMPI_COMM_WORLD_SIZE": "1"]) == nil)
    #expect(name(["PMI_SIZE": "3"]) == "an mpirun of the MPICH family 3")
    #expect(name(["MPI_LOCALNRANKS": "2"]) == "an mpirun of the MPICH family 2")
  }

  @Test func slurmTasksAreNotBatchScripts() {
    var environment = ["SLURM_NTASKS": "4", "SLURM_PROCID": "0"]
    #expect(Launcher.trace(in: environment) == nil)
    environment["SLURM_STEP_ID"] = "0"
    #expect(Launcher.trace(in: environment)?.processes == 4)
    // A shell within an allocation of four: its step has one task.
    environment["SLURM_STEP_NUM_TASKS"] = "1"
    #expect(Launcher.trace(in: environment) == nil)
  }

  @Test func complaintsNameTheRemedy() {
    let environment = ["OMPI_COMM_WORLD_SIZE": "4"]
    #expect(Launcher.complaint(environment: environment, size: 4, library: "Open MPI") == nil)
    let text = Launcher.complaint(environment: environment, size: 1, library: "MPICH 4")
    #expect(
      text?.hasPrefix(
        "this program was started 4 times by Open MPI's mpirun, but the MPI it is linked to "
          + "(MPICH 4) knows of one rank only") == true)
  }
}
