// Memory that the processes of a node share, and fences by counters that lie in that memory: a
// rank's arrival is one store, and seeing the others' arrivals is one load for each. Stores that
// release and loads that acquire order everything else; where MPI's memory model is the unified one
// (MPI 4.1, section 12.4), as it is for shared windows, nothing more is needed.

import CMPI
import Messaging
import Synchronization

/// MPI's window object; outlives its segment until all ranks can free it together.
final class MPIWindow {
  /// Each rank's part: its arrival counters, one per channel, then its block.
  static let headerBytes = sharedSegmentChannels * MemoryLayout<Int>.stride

  let count: Int
  private(set) var parts: [UnsafeMutableRawPointer] = []
  var isReleased = false
  private var box = cmpi_no_win()

  init(communicator: MPICommunicator, count: Int) throws(MessagingError) {
    self.count = count
    let rank = communicator.rank
    // One cache line more than needed, because MPI promises no alignment; whole lines, so that
    // parts do not share any.
    let lines = (count * MemoryLayout<Float>.stride + 63) / 64 + 1
    let byteCount = Self.headerBytes + lines * 64
    var base: UnsafeMutableRawPointer?
    try check(
      withUnsafeMutablePointer(to: &base) {
        MPI_Win_allocate_shared(
          MPI_Aint(byteCount), 1, cmpi_info_null(), communicator.box.comm, $0, &box.win)
      }, "MPI_Win_allocate_shared", rank: rank)
    try check(
      MPI_Win_set_errhandler(box.win, cmpi_errors_return()), "MPI_Win_set_errhandler", rank: rank)
    try check(
      MPI_Win_lock_all(cmpi_mode_nocheck(), box.win), "MPI_Win_lock_all", rank: rank)
    base?.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    for peer in 0..<communicator.size {
      var bytes: MPI_Aint = 0
      var unit: Int32 = 0
      var start: UnsafeMutableRawPointer?
      try check(
        withUnsafeMutablePointer(to: &start) {
          MPI_Win_shared_query(box.win, Int32(peer), &bytes, &unit, $0)
        }, "MPI_Win_shared_query", rank: rank, peer: peer)
      guard let start else {
        throw MessagingError(
          call: "MPI_Win_shared_query", rank: rank, peer: peer, text: "no memory given")
      }
      parts.append(start.alignedUp(toMultipleOf: 64))
    }
    try synchronise(rank: rank)
    try communicator.barrier()
    try synchronise(rank: rank)
  }

  /// Makes the window's memory consistent with the processor's view of it.
  func synchronise(rank: Int) throws(MessagingError) {
    try check(MPI_Win_sync(box.win), "MPI_Win_sync", rank: rank)
  }

  /// Collective.
  func free(rank: Int) throws(MessagingError) {
    try check(MPI_Win_unlock_all(box.win), "MPI_Win_unlock_all", rank: rank)
    try check(MPI_Win_free(&box.win), "MPI_Win_free", rank: rank)
  }

  /// Fences of `channel` that a rank has come to.
  func arrivals(_ rank: Int, _ channel: Int) -> UnsafeMutablePointer<Atomic<Int>> {
    parts[rank].assumingMemoryBound(to: Atomic<Int>.self) + channel
  }
}

/// One rank's view of a window.
final class MPISharedSegment: SharedSegment {
  private let window: MPIWindow
  private let communicator: MPICommunicator
  private var vigil = Vigil()

  init(window: MPIWindow, communicator: MPICommunicator) {
    (self.window, self.communicator) = (window, communicator)
  }

  deinit { window.isReleased = true }

  var count: Int { window.count }

  func block(of rank: Int) -> UnsafeMutablePointer<Float> {
    (window.parts[rank] + MPIWindow.headerBytes).assumingMemoryBound(to: Float.self)
  }

  func arrive(channel: Int) throws(MessagingError) -> FenceTicket {
    precondition(channel >= 0 && channel < sharedSegmentChannels, "no such channel")
    let own = window.arrivals(communicator.rank, channel)
    let number = own.pointee.load(ordering: .relaxed) + 1
    own.pointee.store(number, ordering: .releasing)
    return FenceTicket(channel: channel, number: number)
  }

  func hasPassed(_ ticket: FenceTicket) throws(MessagingError) -> Bool {
    for rank in 0..<communicator.size
    where window.arrivals(rank, ticket.channel).pointee.load(ordering: .acquiring) < ticket.number {
      if vigil.isDue(), try communicator.hasLeft(rank), vigil.confirms(rank) {
        throw try communicator.absence(of: rank, call: "fence")
      }
      return false
    }
    vigil = Vigil()
    return true
  }

  func wait(_ ticket: FenceTicket) throws(MessagingError) {
    var looks = 0
    while try !hasPassed(ticket) {
      looks += 1
      try communicator.pause(after: looks)
    }
  }
}
