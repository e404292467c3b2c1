// 16-bit wire formats under every algorithm: all ranks end with the same bits, exact where the
// numbers fit, near the sum where they do not, and what overflows is counted.

import Basics
import Kernels
import Messaging
import Testing

@testable import Collectives

/// What an all-reduce left on a rank.
private struct Outcome: Sendable {
  let values: [Float]
  let overflows: Int
  let bytes: Int
}

/// A vector's length and the form in which it travels.
private struct Trial: Sendable {
  let count: Int
  let wire: WireFormat
}

private func trials(_ wires: [WireFormat]) -> [Trial] {
  [0, 1, 7, 37, 1000].flatMap { count in wires.map { Trial(count: count, wire: $0) } }
}

/// For each trial the outcome on every rank; none where the algorithm does not work on the layout.
private func reduced(
  _ name: String, _ layout: (ranks: Int, perNode: Int), _ trials: [Trial], repetitions: Int = 1,
  value: @escaping @Sendable (Int, Int) -> Float
) throws -> [(trial: Trial, ranks: [Outcome])] {
  let algorithm = try allReduceCatalog.find(name)
  guard algorithm.objection(to: topology(layout.ranks, perNode: layout.perNode)) == nil else {
    return []
  }
  let outcomes = try LocalWorld.run(
    ranks: layout.ranks, ranksPerNode: layout.perNode, timeout: .seconds(60)
  ) { communicator in
    let group = try RankGroup(communicator)
    let rank = communicator.rank
    return try trials.map { trial in
      let vector = try group.vector(count: trial.count)
      let schedule = algorithm.schedule(rank: rank, topology: group.topology, count: trial.count)
      let runner = group.runner(
        schedule, on: vector, tag: 1, kernels: KernelSelection.best, wire: trial.wire)
      let before = communicator.traffic.bytes
      for repetition in 0..<repetitions {
        for index in 0..<trial.count { vector.buffer[index] = value(rank, index) }
        try runner.start(on: vector.buffer.values)
        // Some ranks wait at once, others look in now and then before.
        if (rank + repetition) % 2 == 0 { for _ in 0..<5 { _ = try runner.advance() } }
        try runner.finish()
      }
      return Outcome(
        values: Array(vector.buffer.values), overflows: runner.overflowCount,
        bytes: communicator.traffic.bytes - before)
    }
  }
  return trials.enumerated().map { number, trial in (trial, outcomes.map { $0[number] }) }
}

/// Whether an algorithm sends messages of its own on a layout.
private func sendsMessages(_ name: String, _ layout: (ranks: Int, perNode: Int)) throws -> Bool {
  let algorithm = try allReduceCatalog.find(name)
  let topology = topology(layout.ranks, perNode: layout.perNode)
  return algorithm.objection(to: topology) == nil
    && (0..<layout.ranks).contains {
      algorithm.schedule(rank: $0, topology: topology, count: 1000).messageCount > 0
    }
}

/// An integer from -30 to 30.
@Sendable private func small(_ rank: Int, _ index: Int) -> Float {
  Float((rank * 31 + index * 7) % 61 - 30)
}

@Sendable private func normal(_ rank: Int, _ index: Int) -> Float {
  CounterRandom(seed: UInt64(rank), stream: .test).normal(UInt64(index))
}

@Suite struct WireFormatTests {
  @Test(arguments: allReduceCatalog.names, layouts)
  func integersAreExact(name: String, layout: (ranks: Int, perNode: Int)) throws {
    // Sums stay below 256, bfloat16's last odd integer.
    let results = try reduced(
      name, layout, trials([.bfloat16, .float16]), repetitions: 3, value: small)
    for (trial, outcomes) in results {
      let expected = (0..<trial.count).map { index in
        (0..<layout.ranks).reduce(Float(0)) { $0 + small($1, index) }
      }
      let wrong = outcomes.count { $0.values != expected || $0.overflows != 0 }
      #expect(wrong == 0, "\(trial)")
    }
  }

  @Test(arguments: allReduceCatalog.names, layouts)
  func roundedSumsAreNearAndEqualOnAllRanks(
    name: String, layout: (ranks: Int, perNode: Int)
  ) throws {
    let isRounded = try sendsMessages(name, layout)
    let results = try reduced(name, layout, trials(WireFormat.allCases), value: normal)
    for (trial, outcomes) in results where trial.wire != .float32 {
      let error = trial.wire == .bfloat16 ? 0x1p-8 : 0x1p-11
      let values = outcomes[0].values
      let differing = outcomes.count { $0.values.map(\.bitPattern) != values.map(\.bitPattern) }
      #expect(differing == 0, "\(trial)")
      let far = (0..<trial.count).count { index in
        let parts = (0..<layout.ranks).map { Double(normal($0, index)) }
        let magnitude = parts.reduce(0) { $0 + abs($1) }
        // Each rank's values are rounded once for each rank they come by, and once at the end.
        let bound = Double(layout.ranks + 1) * error * magnitude * 1.05 + 1e-6
        return abs(Double(values[index]) - parts.reduce(0, +)) > bound
      }
      #expect(far == 0, "\(trial)")
      let exact = try #require(
        results.first { $0.trial.count == trial.count && $0.trial.wire == .float32 }?.ranks)
      if trial.count == 1000, isRounded {
        let same = values == exact[0].values
        #expect(!same, "something was rounded")
        let (bytes, exactBytes) = (outcomes.map(\.bytes), exact.map(\.bytes))
        #expect(bytes.map { 2 * $0 } == exactBytes, "and half as many bytes were sent")
      }
    }
  }

  @Test(arguments: allReduceCatalog.names, [2, 3, 5])
  func overflowsAreCounted(name: String, ranks: Int) throws {
    let layout = (ranks: ranks, perNode: 1)
    guard try sendsMessages(name, layout) else { return }
    for (wire, large) in [(WireFormat.float16, Float(65_519)), (.bfloat16, 0x1.fep127)] {
      func outcomes(_ value: @escaping @Sendable (Int, Int) -> Float) throws -> [Outcome] {
        try reduced(name, layout, [Trial(count: 100, wire: wire)], value: value)[0].ranks
      }
      // An element that is too large on one rank.
      var results = try outcomes { rank, index in
        index != 41 ? 1 : rank == 1 ? large * 1.003 : 0
      }
      var counted = results.reduce(0) { $0 + $1.overflows }
      #expect(counted > 0 && counted <= ranks, "\(wire)")
      let wrong = results.count {
        $0.values != results[0].values || $0.values[41] != .infinity
          || $0.values[40] != Float(ranks)
      }
      #expect(wrong == 0)
      // One that only the sum makes too large.
      results = try outcomes { _, index in index == 41 ? large / 1.5 : 1 }
      counted = results.reduce(0) { $0 + $1.overflows }
      let equal = results.allSatisfy { $0.values == results[0].values }
      #expect(equal && results[0].values[41] == .infinity)
      if wire == .float16 { #expect(counted > 0) }
      // Infinite from the beginning is no overflow.
      results = try outcomes { _, _ in -.infinity }
      let infinite = results.allSatisfy { $0.overflows == 0 && $0.values[3] == -.infinity }
      #expect(infinite)
    }
  }

  /// Both send what they have and add what they get: each must add to its own rounded values.
  @Test func exchangesRoundBothSides() throws {
    let range = 0..<3
    let results = try LocalWorld.run(ranks: 2) { communicator in
      let peer = 1 - communicator.rank
      let values = FloatBuffer(count: 3)
      for index in range { values[index] = 1 + Float(2 * index + communicator.rank) * 0x1p-9 }
      let schedule = Schedule([[.receive(range, from: peer, .add), .send(range, to: peer)]])
      try ScheduleRunner(
        schedule, communicator: communicator, tag: 3, kernels: KernelSelection.best, wire: .bfloat16
      ).run(on: values.values)
      return Array(values.values)
    }
    // bfloat16 has steps of 2^-7 here: 0, 1 and 2 of 2^-9 fall to 1; 3, 4 and 5 go to 1 + 2^-7.
    // The sums are 2, 2 + 2^-7 (which falls to 2, at steps of 2^-6) and 2 + 2^-6.
    #expect(results == [[2, 2, 2 + 0x1p-6], [2, 2, 2 + 0x1p-6]])
  }

  @Test func encodedValuesHavePlacesOfTheirOwn() {
    let schedule = RingAllReduce().schedule(rank: 1, ranks: 4, count: 6400)
    let plan = Plan(schedule, wire: .bfloat16)
    #expect(plan.incoming.allSatisfy { $0.staging != nil && !$0.afterSends })
    let arriving = plan.incoming.compactMap { $0.staging.map { $0 + 1600 } }.max() ?? 0
    let leaving = plan.sends.compactMap(\.staging)
    #expect(leaving.count == plan.sends.count && leaving.allSatisfy { $0 >= arriving })
    #expect(leaving.allSatisfy { $0 + 1600 <= plan.stagingCount })
    #expect(Plan(schedule).sends.allSatisfy { $0.staging == nil })
  }

  @Test func onlySumsThatWereNotSentAreRoundedAtTheEnd() {
    func rounding(_ algorithm: any AllReduceAlgorithm) -> FinalRounding {
      Plan(algorithm.schedule(rank: 1, ranks: 4, count: 6400), wire: .float16).finalRounding
    }
    #expect(rounding(RingAllReduce()) == .ranges([]))
    #expect(rounding(TreeAllReduce()) == .ranges([]))
    #expect(rounding(NativeAllReduce()) == .ranges([]))
    #expect(rounding(SliceAllReduce()) == .everything)
    let partly = Schedule([
      [.receive(0..<9, from: 2, .add), .send(0..<9, to: 2)], [.send(2..<4, to: 0)],
    ])
    #expect(FinalRounding(after: partly) == .ranges([0..<2, 4..<9]))
    #expect(Plan(partly).finalRounding == .ranges([]))
  }

  @Test func formatsAreFoundByName() throws {
    #expect(try WireFormat.allCases.allSatisfy { try wireFormatCatalog.find($0.rawValue) == $0 })
    let error = #expect(throws: UnknownName.self) { try wireFormatCatalog.find("bfloat") }
    #expect(error?.description.contains("did you mean 'bfloat16'") == true)
  }
}
