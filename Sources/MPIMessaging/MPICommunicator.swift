// A communicator whose ranks are processes: point-to-point messages. Collective calls are in
// MPICommunicator+Collectives.swift.

import CMPI
import Messaging

/// A group of MPI processes. Made by `MPIWorld.start` and by splitting.
///
/// All calls come from the thread that started MPI. Once warm, calls allocate nothing.
public final class MPICommunicator: Communicator {
  /// This rank.
  public let rank: Int
  /// Number of ranks.
  public let size: Int
  /// MPI's name of the host.
  public let hostName: String
  /// What this rank has sent.
  public internal(set) var traffic = Traffic()

  var box: cmpi_comm
  var requests = RequestTable()
  var windows: [MPIWindow] = []
  /// Whether ranks outnumber cores: then waiting must not hold a core.
  var isCrowded = false
  /// Whether MPI's own waiting holds none either. Where it does, a crowded rank must not block.
  var libraryYields = false
  private var patience = Patience(isCrowded: false)
  /// Lowered by tests.
  var limit = ByteSpan.Limit()
  /// What this rank has joined here; nil where nobody asks whether the others are still there.
  let ledger: Ledger?

  /// - Parameter parent: waits the same way.
  init(_ box: cmpi_comm, parent: MPICommunicator? = nil, ledger: Ledger?) throws(MessagingError) {
    var rank: Int32 = 0
    var size: Int32 = 0
    try check(MPI_Comm_rank(box.comm, &rank), "MPI_Comm_rank", rank: 0)
    try check(MPI_Comm_size(box.comm, &size), "MPI_Comm_size", rank: Int(rank))
    (self.rank, self.size) = (Int(rank), Int(size))
    self.box = box
    (isCrowded, libraryYields) = (parent?.isCrowded ?? false, parent?.libraryYields ?? false)
    self.ledger = ledger
    if let ledger { MPIWorld.attendance?.register(ledger) }
    hostName = mpiString(capacity: cmpi_max_processor_name()) { MPI_Get_processor_name($0, $1) }
  }

  deinit {
    // A local operation in the implementations we know; after the end of MPI there is nothing left.
    if MPIWorld.isRunning { _ = MPI_Comm_free(&box.comm) }
  }

  /// Finds out whether any node has more ranks than cores, or the launcher says that ranks share
  /// cores (nodes may be containers on one machine). Collective, and the same on all ranks: it
  /// decides whether `allReduce` blocks, and MPI matches no blocking call with another kind.
  func measureCrowd() throws(MessagingError) {
    var node = cmpi_no_comm()
    try check(
      MPI_Comm_split_type(box.comm, cmpi_comm_type_shared(), 0, cmpi_info_null(), &node.comm),
      "MPI_Comm_split_type", rank: rank)
    var size: Int32 = 0
    try check(MPI_Comm_size(node.comm, &size), "MPI_Comm_size", rank: rank)
    try check(MPI_Comm_free(&node.comm), "MPI_Comm_free", rank: rank)
    let yields = Patience.launcherAsksForIt
    var facts = (
      crowd: Int(size) > Patience.coreCount || yields ? 1.0 : 0, spins: yields ? 0.0 : 1
    )
    try check(
      MPI_Allreduce(cmpi_in_place(), &facts, 2, cmpi_double(), cmpi_max(), box.comm),
      "MPI_Allreduce",
      rank: rank)
    (isCrowded, libraryYields) = (facts.crowd != 0, facts.spins == 0)
  }

  /// Starts sending; of any length.
  public func startSend(_ bytes: UnsafeRawBufferPointer, to peer: Int, tag: Int)
    throws(MessagingError) -> Request
  {
    require(peer: peer, tag: tag)
    count(bytes.count)
    var span = try ByteSpan(bytes.count, limit: limit, rank: rank)
    return try start("MPI_Isend", peer: peer, tag: tag, byteCount: bytes.count) {
      (operation) throws(MessagingError) in
      try check(
        MPI_Isend(
          bytes.baseAddress, span.count, span.box.datatype, Int32(peer), Int32(tag), box.comm,
          &operation.pointee.box.request), "MPI_Isend", rank: rank, peer: peer)
      try span.release(rank: rank)
    }
  }

  /// Starts receiving; a message longer than the buffer is an error when it completes.
  public func startReceive(
    into bytes: UnsafeMutableRawBufferPointer, from peer: Int?, tag: Int
  ) throws(MessagingError) -> Request {
    require(peer: peer ?? 0, tag: tag)
    var span = try ByteSpan(bytes.count, limit: limit, rank: rank)
    return try start(
      "MPI_Irecv", peer: peer ?? -1, tag: tag, byteCount: bytes.count, isReceive: true
    ) { (operation) throws(MessagingError) in
      try check(
        MPI_Irecv(
          bytes.baseAddress, span.count, span.box.datatype,
          peer.map { Int32($0) } ?? cmpi_any_source(), Int32(tag), box.comm,
          &operation.pointee.box.request), "MPI_Irecv", rank: rank, peer: peer)
      try span.release(rank: rank)
    }
  }

  /// One look; also gives MPI a moment for everything else that is under way.
  ///
  /// - Throws: what MPI says; and, after about two seconds of looks, that the other side has left
  ///   the job.
  public func test(_ request: Request) throws(MessagingError) -> Message? {
    let operation = requests[request.slot]
    let isKnown = operation.pointee.peer >= 0
    let peer = isKnown ? operation.pointee.peer : nil
    var isDone: Int32 = 0
    var status = MPI_Status()
    let code = MPI_Test(&operation.pointee.box.request, &isDone, &status)
    if code != cmpi_success() {
      try check(code, operation.pointee.call, rank: rank, peer: peer)
    }
    guard isDone != 0 else {
      if operation.pointee.vigil.isDue() { try inquire(operation) }
      return nil
    }
    let message =
      operation.pointee.isReceive
      ? try envelope(&status)
      : Message(
        peer: operation.pointee.peer, tag: operation.pointee.tag,
        byteCount: operation.pointee.byteCount)
    requests.release(request.slot)
    return message
  }

  /// Looks until it is complete; see `Patience`.
  public func wait(_ request: Request) throws(MessagingError) -> Message {
    var patience = Patience(isCrowded: isCrowded)
    while true {
      if let message = try test(request) { return message }
      patience.pause()
    }
  }

  /// The same between looks at many things. If none of them was a look at MPI, others may wait for
  /// messages of ours that only move when we enter it.
  public func pause(after looks: Int) throws(MessagingError) {
    if looks == 1 { patience = Patience(isCrowded: isCrowded) }
    if patience.pause() { _ = try probe(from: nil, tag: 0) }
  }

  /// One look at what has arrived.
  public func probe(from peer: Int?, tag: Int) throws(MessagingError) -> Message? {
    require(peer: peer ?? 0, tag: tag)
    var isThere: Int32 = 0
    var status = MPI_Status()
    try check(
      MPI_Iprobe(
        peer.map { Int32($0) } ?? cmpi_any_source(), Int32(tag), box.comm, &isThere, &status),
      "MPI_Iprobe", rank: rank, peer: peer)
    return isThere == 0 ? nil : try envelope(&status)
  }

  /// MPI_Abort.
  public func abort(code: Int32) -> Never {
    MPIWorld.isAborting = true
    _ = MPI_Abort(cmpi_comm_world(), code)
    fatalError("MPI_Abort returned")
  }

  // MARK: details

  /// Puts an operation into a slot; the slot is free again if it cannot be started.
  func start(
    _ call: StaticString, peer: Int, tag: Int, byteCount: Int, isReceive: Bool = false,
    collective: Int = 0,
    _ body: (UnsafeMutablePointer<PendingOperation>) throws(MessagingError) -> Void
  ) throws(MessagingError) -> Request {
    let slot = requests.take()
    let operation = requests[slot]
    operation.pointee.call = call
    operation.pointee.isReceive = isReceive
    operation.pointee.peer = peer
    operation.pointee.tag = tag
    operation.pointee.byteCount = byteCount
    operation.pointee.collective = collective
    operation.pointee.vigil = Vigil()
    do {
      try body(operation)
    } catch {
      requests.release(slot)
      throw error
    }
    return Request(slot: slot)
  }

  private func envelope(_ status: inout MPI_Status) throws(MessagingError) -> Message {
    var byteCount: MPI_Count = 0
    let peer = Int(status.MPI_SOURCE)
    try check(
      MPI_Get_elements_x(&status, cmpi_byte(), &byteCount), "MPI_Get_elements_x", rank: rank,
      peer: peer)
    return Message(peer: peer, tag: Int(status.MPI_TAG), byteCount: Int(byteCount))
  }

  func count(_ bytes: Int) {
    traffic.messages += 1
    traffic.bytes += bytes
  }

  func require(peer: Int, tag: Int) {
    precondition(peer >= 0 && peer < size, "rank \(peer) is not in a group of \(size)")
    precondition(tag >= 0 && tag <= 32_767, "tags are 0 ... 32,767")
  }
}
