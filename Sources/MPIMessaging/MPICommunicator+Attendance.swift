// What a communicator asks when it has waited for long: whether those it waits for have left.

import CMPI
import Messaging

extension MPICommunicator {
  /// Called now and then about an operation that does not complete.
  ///
  /// - Throws: if it never will, because somebody it needs has left the job.
  func inquire(_ operation: UnsafeMutablePointer<PendingOperation>) throws(MessagingError) {
    let needed = operation.pointee
    let absent =
      if needed.collective > 0 {
        try absentFromCall(needed.collective, neighbours: needed.vigil.neighbours)
      } else if needed.peer < 0 {
        try lastOfAllAbsent()
      } else {
        try hasLeft(needed.peer) ? needed.peer : nil
      }
    if let absent, operation.pointee.vigil.confirms(absent) {
      throw try absence(of: absent, call: needed.call)
    }
  }

  /// Whether a rank of this group has left the job.
  func hasLeft(_ peer: Int) throws(MessagingError) -> Bool {
    guard peer != rank, let attendance = watch else { return false }
    return try attendance.answer(of: try worldRank(of: peer), to: .init()) != nil
  }

  /// The error of a rank that waits for one that has left.
  func absence(of peer: Int, call: StaticString) throws(MessagingError) -> MessagingError {
    MessagingError(
      call: "\(call)", rank: rank, peer: peer,
      text: "rank \(try worldRank(of: peer)) of the job has left it while this rank waits for it")
  }

  /// A neighbour that left before it joined a collective call. Everybody who waits asks its next
  /// neighbour first, so one of the first questions meets the right rank.
  private func absentFromCall(_ number: Int, neighbours: Int) throws(MessagingError) -> Int? {
    guard let attendance = watch, let ledger, size > 1 else { return nil }
    let question = Attendance.Question(identity: ledger.identity, call: number)
    for distance in 1...min(max(neighbours, 1), size - 1) {
      let peer = (rank + distance) % size
      if try attendance.answer(of: try worldRank(of: peer), to: question) == .left { return peer }
    }
    return nil
  }

  /// Any sender would do: only if all others have left, the last of them. Asks one at a time.
  private func lastOfAllAbsent() throws(MessagingError) -> Int? {
    var last: Int?
    for distance in 1..<max(size, 1) {
      let peer = (rank + distance) % size
      guard try hasLeft(peer) else { return nil }
      last = peer
    }
    return last
  }

  private var watch: Attendance? { ledger == nil ? nil : MPIWorld.attendance }

  private func worldRank(of peer: Int) throws(MessagingError) -> Int {
    try worldRank(of: peer, in: box)
  }

  /// The number in the whole job of a rank of a group. Local.
  func worldRank(of peer: Int, in group: cmpi_comm) throws(MessagingError) -> Int {
    var own = cmpi_no_group(), world = cmpi_no_group()
    try check(MPI_Comm_group(group.comm, &own.group), "MPI_Comm_group", rank: rank)
    try check(MPI_Comm_group(cmpi_comm_world(), &world.group), "MPI_Comm_group", rank: rank)
    var here = Int32(peer), there: Int32 = 0
    let code = MPI_Group_translate_ranks(own.group, 1, &here, world.group, &there)
    _ = MPI_Group_free(&own.group)
    _ = MPI_Group_free(&world.group)
    try check(code, "MPI_Group_translate_ranks", rank: rank)
    return Int(there)
  }

  /// A part's identity follows from its parent's, the call that made it, and its first member, so
  /// all its ranks find the same one without a message.
  func identity(ofPart first: Int) -> Int {
    var value: UInt64 = 0
    for word in [ledger?.identity ?? 0, ledger?.joined ?? 0, first] {
      // The mixing step of SplitMix64 (Steele, Lea, Flood 2014).
      value = (value ^ UInt64(bitPattern: Int64(word))) &+ 0x9e37_79b9_7f4a_7c15
      value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
      value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
      value ^= value >> 31
    }
    return Int(truncatingIfNeeded: value)
  }
}
