// Calls that all ranks of a group make together.

import CMPI
import Messaging

extension MPICommunicator {
  /// MPI_Barrier; where ranks outnumber cores a nonblocking one, because libraries spin.
  public func barrier() throws(MessagingError) {
    count(0)
    guard isCrowded else {
      return try check(MPI_Barrier(box.comm), "MPI_Barrier", rank: rank)
    }
    let request = try start("MPI_Ibarrier", peer: rank, tag: 0, byteCount: 0) {
      (operation) throws(MessagingError) in
      try check(
        MPI_Ibarrier(box.comm, &operation.pointee.box.request), "MPI_Ibarrier", rank: rank)
    }
    _ = try wait(request)
  }

  /// MPI_Bcast, in pieces where the length exceeds an `int`.
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws(MessagingError) {
    require(peer: root, tag: 0)
    count(bytes.count)
    var done = 0
    repeat {
      let piece = min(bytes.count - done, limit.whole)
      let start = bytes.baseAddress.map { $0 + done }
      try check(
        MPI_Bcast(start, Int32(piece), cmpi_byte(), Int32(root), box.comm), "MPI_Bcast",
        rank: rank, peer: root)
      done += piece
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
      let piece = min(values.count - done, limit.whole)
      try check(
        MPI_Allreduce(
          cmpi_in_place(), values.baseAddress.map { $0 + done }, Int32(piece), cmpi_float(),
          cmpi_sum(), box.comm), "MPI_Allreduce", rank: rank)
      done += piece
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
    try check(
      MPI_Allreduce(
        cmpi_in_place(), values.baseAddress, Int32(values.count), cmpi_double(), operation,
        box.comm), "MPI_Allreduce", rank: rank)
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
    var released = [Double(windows.prefix { $0.isReleased }.count)]
    do {
      try released.withUnsafeMutableBufferPointer { (values) throws(MessagingError) in
        try allReduce(values, .minimum)
      }
    }
    for window in windows.prefix(Int(released[0])) { try window.free(rank: rank) }
    windows.removeFirst(Int(released[0]))
    let window = try MPIWindow(communicator: self, count: count)
    windows.append(window)
    return MPISharedSegment(window: window, communicator: self)
  }
}
