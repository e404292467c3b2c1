// The runner's own duties: a bit at a time, several in flight, shared memory, rounds that read and
// overwrite the same elements.

import Basics
import Kernels
import Messaging
import Testing

@testable import Collectives

/// Runs until every runner is done, without ever waiting in one of them.
private func interleave(_ runners: [ScheduleRunner]) throws {
  var open = runners
  while !open.isEmpty { open = try open.filter { try !$0.advance() } }
}

@Suite struct ScheduleRunnerTests {
  @Test(arguments: allReduceCatalog.names, [2, 3, 4, 7])
  func severalRunnersInFlight(name: String, ranks: Int) throws {
    let algorithm = try allReduceCatalog.find(name)
    let wrong = try LocalWorld.run(
      ranks: ranks, ranksPerNode: algorithm.objection(to: .scattered(ranks)) == nil ? 2 : ranks,
      timeout: .seconds(20)
    ) { communicator in
      let rank = communicator.rank
      let group = try RankGroup(communicator)
      let counts = [1000, 17, 1, 333]
      var vectors: [GroupVector] = []
      for count in counts { vectors.append(try group.vector(count: count)) }
      let buffers = vectors.map(\.buffer)
      let runners = vectors.enumerated().map { tag, vector in
        group.runner(
          algorithm.schedule(rank: rank, topology: group.topology, count: counts[tag]),
          on: vector, tag: tag, kernels: KernelSelection.best)
      }
      var wrong = 0
      for repetition in 0..<3 {
        for (runner, buffer) in zip(runners, buffers) {
          for index in 0..<buffer.count {
            buffer[index] = sample(rank: rank, index: index + repetition)
          }
          try runner.start(on: buffer.values)
        }
        if repetition == 2 {
          for runner in runners.reversed() { try runner.finish() }
        } else if algorithm.schedule(rank: 0, topology: group.topology, count: 1).waitsForFinish {
          // Advancing leaves a blocking call alone; what is finished first is called first.
          if try runners.contains(where: { try $0.advance() }) { wrong += 1 }
          for runner in runners { try runner.finish() }
        } else {
          // Ranks look after their runners in different orders.
          try interleave(rank % 2 == 0 ? runners : runners.reversed())
        }
        for buffer in buffers {
          for index in 0..<buffer.count
          where buffer[index] != sampleSum(ranks: ranks, index: index + repetition) { wrong += 1 }
        }
      }
      return wrong
    }
    #expect(wrong == Array(repeating: 0, count: ranks))
  }

  @Test(arguments: 1...5, [0, 1, 4, 100])
  func sharedMemory(ranks: Int, count: Int) throws {
    let wrong = try LocalWorld.run(ranks: ranks, timeout: .seconds(20)) { communicator in
      let rank = communicator.rank
      let segment = try communicator.sharedSegment(count: 2 * count + 16)
      // Two vectors in one block, each with a runner of its own.
      let vectors = [0, count + 16].map {
        UnsafeMutableBufferPointer(start: segment.block(of: rank) + $0, count: count)
      }
      let runners = [5, 6].map {
        ScheduleRunner(
          SliceAllReduce().schedule(rank: rank, topology: .oneNode(ranks), count: count),
          communicator: communicator, tag: $0, kernels: KernelSelection.best,
          shared: SharedVectors(segment, communicator: communicator))
      }
      var wrong = 0
      for repetition in 0..<4 {
        for vector in vectors {
          for index in 0..<count { vector[index] = sample(rank: rank, index: index + repetition) }
        }
        if repetition % 2 == 0 {
          for (runner, vector) in zip(runners, vectors) { try runner.run(on: vector) }
        } else {
          for (runner, vector) in zip(runners, vectors) { try runner.start(on: vector) }
          try interleave(rank % 2 == 0 ? runners : runners.reversed())
        }
        for vector in vectors {
          for index in 0..<count
          where vector[index] != sampleSum(ranks: ranks, index: index + repetition) { wrong += 1 }
        }
      }
      return wrong
    }
    #expect(wrong == Array(repeating: 0, count: ranks))
  }

  @Test func sendsReadWhatTheRoundBeganWith() throws {
    let range = 0..<3
    let results = try LocalWorld.run(ranks: 2) { communicator in
      let peer = 1 - communicator.rank
      let values = FloatBuffer(count: 3)
      for index in range { values[index] = Float(10 * communicator.rank + index) }
      for (tag, arrival) in [(1, Arrival.add), (2, .copy)] {
        let schedule = Schedule([[.receive(range, from: peer, arrival), .send(range, to: peer)]])
        try ScheduleRunner(
          schedule, communicator: communicator, tag: tag, kernels: KernelSelection.best
        ).run(on: values.values)
        if arrival == .add { values[0] += Float(communicator.rank) }
      }
      return Array(values.values)
    }
    #expect(results == [[11, 12, 14], [10, 12, 14]])
  }

  @Test func additionsHappenInTheOrderListed() throws {
    // (1e8 + 1) - 1e8 and (1e8 - 1e8) + 1 differ in float32.
    let results = try LocalWorld.run(ranks: 3) { communicator in
      let values = FloatBuffer(count: 1)
      values[0] = [1e8, 1, -1e8][communicator.rank]
      let order: [Transfer] = [.receive(0..<1, from: 2, .add), .receive(0..<1, from: 1, .add)]
      let schedule =
        communicator.rank == 0 ? Schedule([order]) : Schedule([[.send(0..<1, to: 0)]])
      let runner = ScheduleRunner(
        schedule, communicator: communicator, tag: 0, kernels: KernelSelection.best)
      try runner.start(on: values.values)
      try interleave([runner])
      return values[0]
    }
    #expect(results[0] == 1)
  }

  @Test func planReceivesIntoPlaceAndAhead() {
    let plan = Plan(RingAllReduce().schedule(rank: 1, ranks: 4, count: 6400))
    #expect(plan.count == 6400)
    #expect(plan.stagingCount == 4800)  // short blocks have room for all that are added
    #expect(plan.incoming.map { $0.staging != nil } == [true, true, true, false, false, false])
    // What comes fourth overwrites what the first round sends.
    #expect(plan.rounds[0].posts == 0..<3)
    #expect(plan.incoming.allSatisfy { !$0.afterSends })
  }

  @Test func schedulesCountWhatTheySend() {
    let schedule = RingAllReduce().schedule(rank: 0, ranks: 4, count: 6400)
    #expect(schedule.messageCount == 6)
    #expect(schedule.elementsSent == 6 * 1600)
    #expect(TreeAllReduce().schedule(rank: 0, ranks: 8, count: 5).messageCount == 3)
    #expect(RingAllReduce().schedule(rank: 0, ranks: 1, count: 5).rounds.isEmpty)
  }

  @Test(arguments: [0, 1, 5, 64, 1000, 54_410], [1, 2, 3, 7, 64])
  func blocksCoverTheVector(count: Int, parts: Int) {
    let blocks = (0..<parts).map { evenBlock($0, of: parts, count: count) }
    #expect(blocks.first?.lowerBound == 0 && blocks.last?.upperBound == count)
    for (one, next) in zip(blocks, blocks.dropFirst()) {
      #expect(one.upperBound == next.lowerBound)
    }
    let lengths = blocks.map(\.count)
    #expect((lengths.max() ?? 0) - (lengths.min() ?? 0) <= 32)
  }
}
