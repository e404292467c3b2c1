// The messaging library's own all-reduce, as a schedule of one transfer. What it costs, and in
// which order it adds, is the library's secret: with MPI it depends on version, settings and
// vector length.

/// MPI_Allreduce, or what takes its place.
public struct NativeAllReduce: AllReduceAlgorithm {
  public let name = "native"
  public let summary = "the MPI library's own (MPI_Allreduce)"

  /// The algorithm; it has no parameters.
  public init() {}

  /// One call.
  public func schedule(rank: Int, topology: Topology, count: Int) -> Schedule {
    topology.ranks == 1 ? Schedule() : Schedule([[.library(0..<count)]]).withoutEmptyTransfers()
  }
}
