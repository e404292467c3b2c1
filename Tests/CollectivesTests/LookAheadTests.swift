// Starting messages early changes nothing but the time: no plan of any algorithm starts a send
// before its values are final, or lets something arrive where it is still in the way.

import Testing

@testable import Collectives

/// The round in which each of `count` transfers happens, and the one at whose beginning it starts.
private func times(
  _ rounds: [Plan.Round], _ count: Int, own: (Plan.Round) -> Range<Int>,
  early: (Plan.Round) -> Range<Int>
) -> [(start: Int, round: Int)] {
  var result = Array(repeating: (start: -1, round: -1), count: count)
  for (number, round) in rounds.enumerated() {
    for index in own(round) { result[index].round = number }
    for index in early(round) {
      #expect(result[index].start == -1, "it starts once")
      result[index].start = number
    }
  }
  return result
}

/// Elements that a transfer writes and reads; what sends read counts on request.
private func access(
  _ transfer: Transfer, sends: Bool
) -> (writes: [Range<Int>], reads: [Range<Int>]) {
  switch transfer {
  case .send(let range, _): ([], sends ? [range] : [])
  case .receive(let range, _, _), .load(let range, _, _), .library(let range, _):
    ([range], [range])
  case .sum(let range, _, _): ([range], [range])
  case .add(let range, let to): ([to..<to + range.count], [range])
  case .fence: ([0..<Int.max], [0..<Int.max])
  }
}

@Suite struct LookAheadTests {
  @Test(arguments: allReduceCatalog.names, WireFormat.allCases)
  func nothingStartsTooEarly(name: String, wire: WireFormat) throws {
    let algorithm = try allReduceCatalog.find(name)
    for (ranks, perNode) in [(1, 1), (2, 1), (3, 1), (4, 1), (7, 1), (8, 1), (6, 2), (4, 4)] {
      let topology = Topology(nodes: (0..<ranks).map { $0 / perNode })
      guard algorithm.objection(to: topology) == nil else { continue }
      for count in [1, 5, 100, 300_000] {
        for rank in 0..<ranks {
          try check(algorithm.schedule(rank: rank, topology: topology, count: count), wire)
        }
      }
    }
  }

  private func check(_ schedule: Schedule, _ wire: WireFormat) throws {
    let plan = Plan(schedule, wire: wire)
    let sends = times(plan.rounds, plan.sends.count, own: \.sends, early: \.starts)
    let arrivals = times(plan.rounds, plan.incoming.count, own: \.incoming, early: \.posts)
    for (index, time) in sends.enumerated() {
      try #require(time.start >= 0 && time.start <= time.round)
      let range = plan.sends[index].range
      for number in time.start..<time.round {
        for transfer in schedule.rounds[number] {
          let (writes, reads) = access(transfer, sends: false)
          // Encoding rounds what is sent in its place, so nothing else may read it before.
          let inTheWay = writes + (wire == .float32 ? [] : reads)
          #expect(!inTheWay.contains { $0.overlaps(range) }, "send \(index) in round \(number)")
        }
      }
    }
    for (index, time) in arrivals.enumerated() where !plan.incoming[index].isLoad {
      try #require(time.start >= 0 && time.start <= time.round)
      let incoming = plan.incoming[index]
      guard incoming.staging == nil else { continue }
      for number in time.start..<time.round {
        for transfer in schedule.rounds[number] {
          let (writes, reads) = access(transfer, sends: true)
          #expect(
            !(writes + reads).contains { $0.overlaps(incoming.range) },
            "receive \(index) in round \(number)")
        }
      }
    }
    // What is in the staging memory at the same time lies apart.
    var places: [(place: Range<Int>, time: (start: Int, round: Int))] = []
    for (index, time) in arrivals.enumerated() {
      guard let start = plan.incoming[index].staging else { continue }
      places.append((start..<start + plan.incoming[index].range.count, time))
    }
    for (index, time) in sends.enumerated() {
      guard let start = plan.sends[index].staging else { continue }
      places.append((start..<start + plan.sends[index].range.count, time))
    }
    places.sort { $0.place.lowerBound < $1.place.lowerBound }
    for (number, one) in places.enumerated() {
      #expect(one.place.upperBound <= plan.stagingCount)
      for other in places[(number + 1)...] {
        guard other.place.lowerBound < one.place.upperBound else { break }
        #expect(one.time.round < other.time.start || other.time.round < one.time.start)
      }
    }
  }

  @Test func segmentedRingKeepsABlockInFlight() {
    // 4 ranks, blocks of 10 segments: two passes of 3 steps.
    let ring = SegmentedRingAllReduce(segmentBytes: 6400, segmentLimit: 100)
    let plan = Plan(ring.schedule(rank: 0, ranks: 4, count: 64_000))
    #expect(plan.rounds.count == 60 && plan.sends.count == 60)
    // The own block leaves at once; later ones as they come.
    #expect(plan.rounds[0].starts == 0..<10)
    for number in 1...50 { #expect(plan.rounds[number].starts == 9 + number..<10 + number) }
    #expect(plan.rounds[51...].allSatisfy { $0.starts.isEmpty })
    #expect(plan.rounds[0].posts.count > 10)
  }

  @Test func longRoundsStayInTurn() {
    // Blocks of 6.4 MB: staging for two of them, the next receive posted early, no more; but what
    // comes fourth needs none.
    let plan = Plan(
      RingAllReduce().schedule(rank: 1, ranks: 4, count: 6_400_000), longest: .max)
    #expect(plan.stagingCount == 3_200_000)
    #expect(plan.rounds[0].posts == 0..<2 && plan.rounds[0].starts == 0..<1)
    #expect(plan.rounds[1].posts == 2..<4 && plan.rounds[1].starts == 1..<2)
  }

  @Test func fencesHoldBackWhatTouchesMemory() {
    let schedule = Schedule([
      [.send(0..<1, to: 1)], [.fence],
      [.receive(0..<1, from: 1, .add), .send(1..<2, to: 1)], [.receive(2..<3, from: 1, .copy)],
    ])
    let plan = Plan(schedule)
    #expect(plan.rounds.map(\.starts.count) == [1, 0, 1, 0])
    // Staging is private memory; the last receive goes to its place.
    #expect(plan.rounds.map(\.posts.count) == [1, 0, 1, 0])
  }

  @Test(arguments: WireFormat.allCases)
  func longTransfersTravelInMessages(wire: WireFormat) {
    let count = 100_003
    let schedule = Schedule([
      [.receive(7..<7 + count, from: 1, .add), .send(7..<7 + count, to: 1)]
    ])
    let plan = Plan(schedule, wire: wire)
    let needed = (count * wire.bytesPerElement + messageBytes - 1) / messageBytes
    #expect(plan.sends.count == needed && needed > 1)
    #expect(plan.sends.map(\.range) == plan.incoming.map(\.range))
    #expect(plan.sends.allSatisfy { $0.range.count * wire.bytesPerElement <= messageBytes + 64 })
    #expect(plan.sends.first?.range.lowerBound == 7)
    #expect(plan.sends.last?.range.upperBound == 7 + count)
    for (one, next) in zip(plan.sends, plan.sends.dropFirst()) {
      #expect(one.range.upperBound == next.range.lowerBound)
    }
    #expect(Plan(schedule, wire: wire, longest: .max).sends.map(\.range) == [7..<7 + count])
  }
}
