// Calls that all ranks of a group make together. Libraries spin inside their blocking calls, and
// nothing can be noticed from there, so the nonblocking forms are used and waited for politely.
// Where MPI has no such form (making groups and windows), a barrier comes first: it sees to it that
// all ranks are there. Alone the all-reduce of floats, which must be as fast as the library can,
// blocks unless ranks outnumber cores.

import CMPI
import Messaging

extension MPICommunicator {
  /// MPI_Ibarrier.
  public func barrier() throws(MessagingError) {
    count(0)
    _ = try wait(try startBarrier())
  }

  /// MPI_Ibarrier.
  func startBarrier() throws(MessagingError) -> Request {
    try join("MPI_Ibarrier") { MPI_Ibarrier(box.comm, $0) }
  }

  /// MPI_Ibcast, in pieces where the length exceeds an `int`.
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws(MessagingError) {
    require(peer: root, tag: 0)
    count(bytes.count)
    var done = 0
    repeat {
      let piece = Int32(min(bytes.count - done, limit.whole))
      let start = bytes.baseAddress.map { $0 + done }
      _ = try wait(
        try join("MPI_Ibcast", peer: root) {
          MPI_Ibcast(start, piece, cmpi_byte(), Int32(root), box.comm, $0)
        })
      done += Int(piece)
    } while done < bytes.count
  }

  /// MPI_Iallreduce.
  public func startAllReduce(_ values: UnsafeMutableBufferPointer<Float>) throws(MessagingError)
    -> Request
  {
    let byteCount = values.count * MemoryLayout<Float>.stride
    guard values.count <= limit.whole else {
      throw MessagingError(
        call: "MPI_Iallreduce", rank: rank,
        text: "a nonblocking all-reduce takes at most \(limit.whole) floats, not \(values.count)")
    }
    count(byteCount)
    return try startSum(values.baseAddress, Int32(values.count))
  }

  private func startSum(_ start: UnsafeMutablePointer<Float>?, _ length: Int32)
    throws(MessagingError) -> Request
  {
    try join("MPI_Iallreduce") {
      MPI_Iallreduce(cmpi_in_place(), start, length, cmpi_float(), cmpi_sum(), box.comm, $0)
    }
  }

  /// MPI_Allreduce, in pieces where the length exceeds an `int`; MPI_Iallreduce where ranks
  /// outnumber cores and MPI would hold one. The blocking call cannot notice a rank that has left.
  public func allReduce(_ values: UnsafeMutableBufferPointer<Float>) throws(MessagingError) {
    count(values.count * MemoryLayout<Float>.stride)
    var done = 0
    repeat {
      let piece = Int32(min(values.count - done, limit.whole))
      let start = values.baseAddress.map { $0 + done }
      if isCrowded && !libraryYields {
        _ = try wait(try startSum(start, piece))
      } else {
        ledger?.joined += 1
        try check(
          MPI_Allreduce(cmpi_in_place(), start, piece, cmpi_float(), cmpi_sum(), box.comm),
          "MPI_Allreduce", rank: rank)
      }
      done += Int(piece)
    } while done < values.count
  }

  /// MPI_Iallreduce of a few doubles.
  public func allReduce(_ values: UnsafeMutableBufferPointer<Double>, _ reduction: Reduction)
    throws(MessagingError)
  {
    count(values.count * MemoryLayout<Double>.stride)
    precondition(values.count <= limit.whole, "meant for a few numbers")
    let operation =
      switch reduction {
      case .sum: cmpi_sum()
      case .minimum: cmpi_min()
      case .maximum: cmpi_max()
      }
    _ = try wait(
      try join("MPI_Iallreduce") {
        MPI_Iallreduce(
          cmpi_in_place(), values.baseAddress, Int32(values.count), cmpi_double(), operation,
          box.comm, $0)
      })
  }

  /// Starts a collective call.
  private func join(
    _ call: StaticString, peer: Int? = nil, _ starting: (cmpi_request_pointer) -> Int32
  ) throws(MessagingError) -> Request {
    ledger?.joined += 1
    return try start(
      call, peer: peer ?? rank, tag: 0, byteCount: 0, collective: ledger?.joined ?? 0
    ) { (operation) throws(MessagingError) in
      let code = withUnsafeMutablePointer(to: &operation.pointee.box.request) { starting($0) }
      try check(code, call, rank: rank, peer: peer)
    }
  }

  /// MPI_Comm_split.
  public func split(color: Int?, key: Int) throws(MessagingError) -> (any Communicator)? {
    precondition(color ?? 0 >= 0, "a color is not negative")
    try barrier()
    var part = cmpi_no_comm()
    let code = MPI_Comm_split(
      box.comm, color.map { Int32($0) } ?? cmpi_undefined(), Int32(key), &part.comm)
    try check(code, "MPI_Comm_split", rank: rank)
    return color == nil ? nil : try child(part)
  }

  /// MPI_Comm_split_type by shared memory.
  public func splitByNode() throws(MessagingError) -> any Communicator {
    try barrier()
    var part = cmpi_no_comm()
    let code = MPI_Comm_split_type(
      box.comm, cmpi_comm_type_shared(), Int32(rank), cmpi_info_null(), &part.comm)
    try check(code, "MPI_Comm_split_type", rank: rank)
    return try child(part)
  }

  private func child(_ part: cmpi_comm) throws(MessagingError) -> MPICommunicator {
    let first = try worldRank(of: 0, in: part)
    return try MPICommunicator(
      part, parent: self, ledger: Ledger(identity: identity(ofPart: first)))
  }

  /// MPI_Win_allocate_shared. The memory of segments that all ranks have let go of is given back
  /// when the next segment is made, and at the end: releasing waits for nobody, so that a rank
  /// that fails is not held up on its way to `abort`.
  public func sharedSegment(count: Int) throws(MessagingError) -> any SharedSegment {
    precondition(count >= 0, "a block cannot hold a negative number of floats")
    let own = windows.prefix { $0.isReleased }.count
    let released = Int(try allReduce(Double(own), .minimum))
    for window in windows.prefix(released) { try window.free(rank: rank) }
    windows.removeFirst(released)
    let window = try MPIWindow(communicator: self, count: count)
    windows.append(window)
    return MPISharedSegment(window: window, communicator: self)
  }
}
