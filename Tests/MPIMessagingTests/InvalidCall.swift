import CMPI

extension MPIConformance {
  /// A return code that is not success.
  static func invalidCall() -> Int32 {
    var size: Int32 = 0
    return MPI_Comm_size(cmpi_comm_null(), &size)
  }
}
