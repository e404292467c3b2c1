// What LocalWorld does beyond the protocol: results, failures, deadlock reports, pretended nodes.
// What every communicator must do is checked by the conformance suite in MPIMessagingTests.

import Testing

@testable import Messaging

private struct Trouble: Error, Equatable { let rank: Int }

@Suite struct LocalWorldTests {
  private func error<T: Sendable>(
    ranks: Int, timeout: Duration = .seconds(20),
    _ body: @escaping @Sendable (any Communicator) throws -> T
  ) -> (any Error)? {
    do {
      try LocalWorld.run(ranks: ranks, timeout: timeout, body)
      return nil
    } catch { return error }
  }

  @Test func ranksKnowTheirPlaces() throws {
    let places = try LocalWorld.run(ranks: 5, ranksPerNode: 2) {
      "\($0.rank) of \($0.size) on \($0.hostName)"
    }
    #expect(places == (0..<5).map { "\($0) of 5 on node\($0 / 2)" })
  }

  @Test func nodesArePretended() throws {
    let sizes = try LocalWorld.run(ranks: 5, ranksPerNode: 2) { communicator in
      let node = try communicator.splitByNode()
      _ = try node.sharedSegment(count: 3)
      return [node.rank, node.size]
    }
    #expect(sizes == [[0, 2], [1, 2], [0, 2], [1, 2], [0, 1]])
    let refusal = error(ranks: 3) { try $0.split(color: 0, key: 0)?.barrier() }
    #expect(refusal == nil)
  }

  @Test func segmentsDoNotSpanNodes() {
    let failure =
      #expect(throws: MessagingError.self) {
        try LocalWorld.run(ranks: 2, ranksPerNode: 1) { _ = try $0.sharedSegment(count: 1) }
      }
    #expect(failure?.text == "the group spans several nodes; use splitByNode first")
  }

  @Test func firstErrorIsRethrownAndOthersAreFreed() {
    let seen = Seen()
    let failure = error(ranks: 4) { communicator in
      if communicator.rank == 2 { throw Trouble(rank: 2) }
      do {
        switch communicator.rank {
        case 0: try communicator.barrier()
        case 1: _ = try communicator.allReduce(1, .sum)
        default:
          var byte: UInt8 = 0
          try withUnsafeMutableBytes(of: &byte) { bytes in
            let request = try communicator.startReceive(into: bytes, from: 2, tag: 1)
            while try communicator.test(request) == nil {}
          }
        }
      } catch {
        seen.add("\(error)")
        throw error
      }
    }
    #expect(failure as? Trouble == Trouble(rank: 2))
    #expect(seen.texts.count == 3)
    for text in seen.texts { #expect(text.contains("rank 2 failed: Trouble(rank: 2)")) }
  }

  @Test func deadlocksAreExplainedAtOnce() {
    let begin = ContinuousClock.now
    let failure = error(ranks: 3, timeout: .seconds(100)) { communicator in
      var values: [Float] = [0]
      guard communicator.rank < 2 else { return }
      try values.withUnsafeMutableBufferPointer {
        _ = try communicator.receive(into: $0, from: 1 - communicator.rank, tag: 7)
      }
    }
    #expect(
      (failure as? MessagingError)?.text
        == "deadlock: rank 0 waits for a message with tag 7 from rank 1; rank 1 waits for a "
        + "message with tag 7 from rank 0; rank 2 has finished")
    #expect(ContinuousClock.now - begin < .seconds(50))
  }

  @Test func sendsAreNotBuffered() {
    let failure = error(ranks: 2) { communicator in
      let values: [Float] = [1]
      try values.withUnsafeBufferPointer {
        try communicator.send($0, to: 1 - communicator.rank, tag: 3)
      }
    }
    #expect(
      "\(failure!)".contains("rank 0 waits for rank 1 to take a message of 4 bytes with tag 3"))
  }

  @Test func pollingForEverTimesOut() {
    let failure = error(ranks: 2, timeout: .milliseconds(300)) { communicator in
      if communicator.rank == 0 {
        while try communicator.probe(from: 1, tag: 0) == nil {}
      } else {
        try communicator.barrier()
      }
    }
    #expect("\(failure!)".contains("rank 0 polls; rank 1 waits in barrier"))
  }

  @Test func differentCallsAreReported() {
    let failure = error(ranks: 2) { communicator in
      if communicator.rank == 0 {
        try communicator.barrier()
      } else {
        _ = try communicator.allReduce(1, .maximum)
      }
    }
    #expect(
      "\(failure!)".contains(
        "rank 0 called barrier where rank 1 called allReduce (maximum) of doubles"))
  }

  @Test func differentLengthsAreReported() {
    let failure = error(ranks: 2) { communicator in
      var values = [Float](repeating: 0, count: 3 + communicator.rank)
      try values.withUnsafeMutableBufferPointer { try communicator.allReduce($0) }
    }
    #expect("\(failure!)".contains("rank 0 gave 12 bytes where rank 1 gave 16"))
  }

  @Test func abortFailsTheWorldOnly() {
    let failure = error(ranks: 3) { communicator in
      if communicator.rank == 1 { communicator.abort(code: 9) }
      try communicator.barrier()
    }
    #expect("\(failure!)" == "rank 1: abort failed: aborted with code 9")
  }

  @Test func fencesAreWatchedToo() {
    let failure = error(ranks: 2) { communicator in
      let segment = try communicator.sharedSegment(count: 1)
      if communicator.rank == 0 { try segment.fence() }
    }
    #expect("\(failure!)".contains("rank 0 waits at a fence of shared memory; rank 1 has finished"))
  }

  @Test func slotsAreUsedAgain() throws {
    try LocalWorld.run(ranks: 2) { communicator in
      var value: Float = 0
      for _ in 0..<100 {
        try withUnsafeMutablePointer(to: &value) { pointer in
          let buffer = UnsafeMutableBufferPointer(start: pointer, count: 1)
          let request: Request
          if communicator.rank == 0 {
            request = try communicator.startSend(UnsafeBufferPointer(buffer), to: 1, tag: 0)
          } else {
            request = try communicator.startReceive(into: buffer, from: 0, tag: 0)
          }
          if request.slot != 0 { throw Trouble(rank: communicator.rank) }
          _ = try communicator.wait(request)
        }
      }
    }
  }
}

/// Texts noted by several threads.
private final class Seen: @unchecked Sendable {
  private let monitor = Monitor(places: 0)
  private var list: [String] = []

  func add(_ text: String) {
    monitor.lock()
    list.append(text)
    monitor.unlock()
  }

  var texts: [String] {
    monitor.lock()
    defer { monitor.unlock() }
    return list
  }
}
