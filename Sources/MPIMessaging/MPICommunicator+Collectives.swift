// Calls that all ranks of a group make together. Libraries spin inside their blocking calls, so
// where ranks outnumber cores the nonblocking form is used and waited for politely.

import CMPI
import Messaging

extension MPICommunicator {
  /// MPI_Barrier.
  public func barrier() throws(MessagingError) {
    count(0)
    try complete("MPI_Barrier", blocking: { MPI_Barrier($0) }) { MPI_Ibarrier($0, $1) }
  }

  /// MPI_Bcast, in pieces where the length exceeds an `int`.
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws(MessagingError) {
    require(peer: root, tag: 0)
    count(bytes.count)
    var done = 0
    repeat {
      let piece = Int32(min(bytes.count - done, limit.whole))
      let start = bytes.baseAddress.map { $0 + done }
      try complete(
        "MPI_Bcast", peer: root,
        blocking: { MPI_Bcast(start, piece, cmpi_byte(), Int32(root), $0) },
        starting: { MPI_Ibcast(start, piece, cmpi_byte(), Int32(root), $0, $1) })
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
    return try start("MPI_Iallreduce", peer: rank, tag: 0, byteCount: byteCount) {
      (operation) throws(MessagingError) in
      try check(
        MPI_Iallreduce(
          cmpi_in_place(), values.baseAddress, Int32(values.count), cmpi_float(), cmpi_sum(),
          box.comm, &operation.pointee.box.request), "MPI_Iallreduce", rank: rank)
    }
  }

  /// MPI_Allreduce, in pieces where the length exceeds an `int`.
  public func allReduce(_ values: UnsafeMutableBufferPointer<Float>) throws(MessagingError) {
    count(values.count * MemoryLayout<Float>.stride)
    var done = 0
    repeat {
      let piece = Int32(min(values.count - done, limit.whole))
      let start = values.baseAddress.map { $0 + done }
      try complete(
        "MPI_Allreduce",
        blocking: {
          MPI_Allreduce(cmpi_in_place(), start, piece, cmpi_float(), cmpi_sum(), $0)
        },
        starting: {
          MPI_Iallreduce(cmpi_in_place(), start, piece, cmpi_float(), cmpi_sum(), $0, $1)
        })
      done += Int(piece)
    } while done < values.count
  }

  /// MPI_Allreduce of a few doubles.
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
    let start = values.baseAddress
    let length = Int32(values.count)
    try complete(
      "MPI_Allreduce",
      blocking: { MPI_Allreduce(cmpi_in_place(), start, length, cmpi_double(), operation, $0) },
      starting: {
        MPI_Iallreduce(cmpi_in_place(), start, length, cmpi_double(), operation, $0, $1)
      })
  }

  /// Makes a collective call in its blocking form, or, on a crowded node, starts and awaits it.
  private func complete(
    _ call: StaticString, peer: Int? = nil, blocking: (MPI_Comm) -> Int32,
    starting: (MPI_Comm, cmpi_request_pointer) -> Int32
  ) throws(MessagingError) {
    guard isCrowded else { return try check(blocking(box.comm), call, rank: rank, peer: peer) }
    let request = try start(call, peer: peer ?? rank, tag: 0, byteCount: 0) {
      (operation) throws(MessagingError) in
      let code = withUnsafeMutablePointer(to: &operation.pointee.box.request) {
        starting(box.comm, $0)
      }
      try check(code, call, rank: rank, peer: peer)
    }
    _ = try wait(request)
  }

  /// MPI_Comm_split.
  public func split(color: Int?, key: Int) throws(MessagingError) -> (any Communicator)? {
    precondition(color ?? 0 >= 0, "a color is not negative")
    var part = cmpi_no_comm()
    let code = MPI_Comm_split(
      box.comm, color.map { Int32($0) } ?? cmpi_undefined(), Int32(key), &part.comm)
    try check(code, "MPI_Comm_split", rank: rank)
    return color == nil ? nil : try MPICommunicator(part, isCrowded: isCrowded)
  }

  /// MPI_Comm_split_type by shared memory.
  public func splitByNode() throws(MessagingError) -> any Communicator {
    var part = cmpi_no_comm()
    let code = MPI_Comm_split_type(
      box.comm, cmpi_comm_type_shared(), Int32(rank), cmpi_info_null(), &part.comm)
    try check(code, "MPI_Comm_split_type", rank: rank)
    return try MPICommunicator(part, isCrowded: isCrowded)
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
