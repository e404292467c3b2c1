// The messaging library's own all-reduce, as a schedule of one transfer. What it costs, and in
// which order it adds, is the library's secret: with MPI it depends on version, settings and
// vector length.
//
// Blocking, the call waits for its turn: several vectors started together are summed one after the
// other when each is finished, and nothing overlaps computation. Nonblocking, it starts at once and
// progresses whenever it is looked at; libraries often have slower algorithms for it.

/// MPI_Allreduce or MPI_Iallreduce, or what takes their place.
public struct NativeAllReduce: AllReduceAlgorithm {
  private let blocking: Bool

  /// The library's blocking call, or its nonblocking one.
  public init(blocking: Bool = true) { self.blocking = blocking }

  /// `native` or `native-nonblocking`.
  public var name: String { blocking ? "native" : "native-nonblocking" }
  /// The function's name.
  public var summary: String {
    blocking
      ? "the MPI library's own (MPI_Allreduce): waits for its turn, overlaps nothing"
      : "the MPI library's own (MPI_Iallreduce): starts at once"
  }

  /// One call.
  public func schedule(rank: Int, topology: Topology, count: Int) -> Schedule {
    guard topology.ranks > 1 else { return Schedule() }
    return Schedule([[.library(0..<count, blocking: blocking)]]).withoutEmptyTransfers()
  }
}
