// The same checks on MPI: one rank under plain `swift test`, N under
//
//   mpirun -np N .build/debug/apusPackageTests.xctest --testing-library swift-testing \
//     --no-parallel --filter MPIConformance
//
// MPI wants to be called by one thread, the one that started it: everything here runs on the main
// actor. Each check gets a communicator of its own, so that a failed one does not spoil the next.

import Messaging
import Testing

@testable import MPIMessaging

@MainActor private let world = Result { try MPIWorld.start() }

@MainActor @Suite(.serialized) struct MPIConformance {
  /// Runs a check on a duplicate of the world; a hang ends the process with a message.
  private func run(
    _ name: String, _ body: @MainActor (any Communicator) throws -> Void
  ) throws {
    let world = try world.get()
    let watchdog = Watchdog("rank \(world.rank): '\(name)' hangs", seconds: 60)
    defer { watchdog.stop() }
    guard let part = try world.split(color: 0, key: world.rank) else { return }
    try body(part)
  }

  @Test(arguments: ConformanceCheck.all)
  func conforms(check: ConformanceCheck) throws { try run(check.name, check.body) }

  @Test func longMessagesTravelInPieces() throws {
    try run("long messages") { part in
      let part = try #require(part as? MPICommunicator)
      part.limit = ByteSpan.Limit(whole: 1000, piece: 300)
      for count in [1000, 1001, 2345] {
        let (message, bytes) = try part.exchange(
          pattern(count, part.rank), capacity: count + 500, tag: 1)
        #expect(message == Message(peer: part.left, tag: 1, byteCount: count))
        #expect(bytes == pattern(count, part.left))
      }
      var bytes = part.rank == 0 ? pattern(2500, 3) : Array(repeating: 0, count: 2500)
      try bytes.withUnsafeMutableBytes { try part.broadcast($0, root: 0) }
      #expect(bytes == pattern(2500, 3))
      var values = [Float](repeating: 1, count: 2001)
      try values.withUnsafeMutableBufferPointer { try part.allReduce($0) }
      #expect(values == Array(repeating: Float(part.size), count: 2001))
    }
  }

  @Test func errorsUseMPIsOwnWords() throws {
    try run("errors") { part in
      let failure = #expect(throws: MessagingError.self) {
        try check(MPIConformance.invalidCall(), "MPI_Comm_size", rank: part.rank, peer: 5)
      }
      #expect(failure?.call == "MPI_Comm_size" && failure?.rank == part.rank && failure?.peer == 5)
      #expect(
        failure?.text.contains("ommunicator") == true || failure?.text.contains("COMM") == true)
    }
  }

  @Test func crowdedRanksWaitPolitely() throws {
    try run("crowded") { part in
      let part = try #require(part as? MPICommunicator)
      part.isCrowded = true
      for _ in 0..<5 { try part.barrier() }
      let (message, _) = try part.exchange(pattern(10, 0), capacity: 10, tag: 2)
      #expect(message.byteCount == 10)
    }
  }

  @Test func libraryHasAName() throws {
    let name = MPIWorld.libraryVersion
    #expect(name.contains("MPI") && name.contains(".") && !name.contains("\n"))
  }
}
