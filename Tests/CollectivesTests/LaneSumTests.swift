import Basics
import Kernels
import Messaging
import Testing

@testable import Collectives

/// The tree, written down by hand: what is added to what.
private indirect enum Tree: Equatable {
  case lane(Int)
  case sum(Tree, Tree)

  /// Over all lanes: halves of the next power of two, as far as there are lanes.
  init(_ lanes: Range<Int>, size: Int) {
    if size == 1 {
      self = .lane(lanes.lowerBound)
    } else {
      let middle = lanes.lowerBound + size / 2
      if middle >= lanes.upperBound {
        self.init(lanes, size: size / 2)
      } else {
        self = .sum(
          Tree(lanes.lowerBound..<middle, size: size / 2),
          Tree(middle..<lanes.upperBound, size: size / 2))
      }
    }
  }

  init(lanes: Int) {
    var size = 1
    while size < lanes { size *= 2 }
    self.init(0..<lanes, size: size)
  }

  func value(_ lane: (Int) -> Float) -> Float {
    switch self {
    case .lane(let number): lane(number)
    case .sum(let one, let other): one.value(lane) + other.value(lane)
    }
  }
}

/// Values whose sum depends on the order of addition.
private func value(lane: Int, index: Int) -> Float {
  let sign: Float = (lane + index) % 3 == 0 ? -1 : 1
  return sign * (1 + Float((lane * 37 + index * 11) % 97)) / Float(3 + lane + index % 5)
}

@Suite struct LaneSumTests {
  private func sum(_ lanes: Int, _ nodes: [Int], stride: Int) -> LaneSum {
    LaneSum(lanes: lanes, topology: Topology(nodes: nodes), stride: stride)
  }

  @Test func lanesAreDealtOutOnce() {
    for lanes in 1...20 {
      for ranks in 1...lanes {
        let sum = sum(lanes, Array(0..<ranks), stride: 16)
        #expect((0..<ranks).flatMap { sum.steps(of: $0).map(\.lane) } == Array(0..<lanes))
        #expect(sum.slots <= lanes, "memory")
        #expect(sum.owners == sum.owners.sorted() && Set(sum.owners).count == ranks)
      }
    }
    #expect(sum(8, [0], stride: 16).slots == 4)
    #expect(sum(64, [0], stride: 16).slots == 7)
  }

  @Test func treesByHand() {
    #expect(Tree(lanes: 3) == .sum(.sum(.lane(0), .lane(1)), .lane(2)))
    #expect(
      Tree(lanes: 6)
        == .sum(
          .sum(.sum(.lane(0), .lane(1)), .sum(.lane(2), .lane(3))), .sum(.lane(4), .lane(5))))
  }

  /// Every root reaches every sum once, without races or deadlocks.
  @Test(arguments: 1...16) func everyScheduleIsRight(lanes: Int) throws {
    for ranks in 1...lanes {
      for perNode in Set([1, 2, 3, ranks]) where perNode <= ranks {
        let nodes = (0..<ranks).map { $0 / perNode }
        for (range, stride) in [(0..<0, 16), (3..<4, 7), (0..<ranks + 1, 40), (5..<397, 400)] {
          let sum = sum(lanes, nodes, stride: stride)
          func verify(_ schedules: [Schedule], parts: [Range<Int>]) throws {
            try ScheduleVerifier.verify(
              schedules, count: sum.slots * stride, nodes: nodes,
              goal: .laneSum(owners: sum.owners, stride: stride, range: range, parts: parts))
          }
          let owned = (0..<ranks).map { sum.owned(by: $0, range) }
          try verify(
            (0..<ranks).map { sum.reduceScatter(rank: $0, range) }, parts: owned)
          try verify(
            (0..<ranks).map { sum.schedule(rank: $0, range) },
            parts: Array(repeating: range, count: ranks))
          let blocks = (0..<ranks).map { evenBlock($0, of: ranks, count: range.count) }
          try ScheduleVerifier.verify(
            (0..<ranks).map { sum.allGather(rank: $0, 0..<range.count) }, count: range.count,
            nodes: nodes, goal: .allGather(blocks))
        }
      }
    }
  }

  @Test func aDroppedTransferIsNoticed() {
    let sum = sum(7, [0, 0, 1, 2], stride: 40)
    let whole = (0..<4).map { sum.schedule(rank: $0, 0..<37) }
    for rank in whole.indices {
      for (number, round) in whole[rank].rounds.enumerated() {
        for place in round.indices {
          var damaged = whole
          damaged[rank].rounds[number].remove(at: place)
          #expect(throws: ScheduleFault.self) {
            try ScheduleVerifier.verify(
              damaged, count: sum.slots * 40, nodes: [0, 0, 1, 2],
              goal: .laneSum(
                owners: sum.owners, stride: 40, range: 0..<37,
                parts: Array(repeating: 0..<37, count: 4)))
          }
        }
      }
    }
  }

  /// The order of addition: bits, on any number of ranks and however they lie.
  @Test(arguments: [1, 2, 3, 5, 7, 8, 12, 16])
  func sumsHaveTheBitsOfTheTree(lanes: Int) throws {
    let (count, stride) = (133, 144)
    let tree = Tree(lanes: lanes)
    let expected = (0..<count).map { index in
      tree.value { value(lane: $0, index: index) }.bitPattern
    }
    for ranks in 1...min(lanes, 8) {
      for perNode in Set([1, 2, ranks]) where perNode <= ranks {
        let results = try LocalWorld.run(
          ranks: ranks, ranksPerNode: perNode, timeout: .seconds(20)
        ) { communicator in
          let group = try RankGroup(communicator)
          let sum = LaneSum(lanes: lanes, topology: group.topology, stride: stride)
          let vector = try group.vector(count: sum.slots * stride)
          let rank = communicator.rank
          let runners = [0..<50, 50..<count].enumerated().map { tag, range in
            group.runner(
              sum.schedule(rank: rank, range), on: vector, tag: tag, kernels: KernelSelection.best)
          }
          for _ in 0..<2 {
            for step in sum.steps(of: rank) {
              for index in 0..<count {
                vector.buffer[step.slot * stride + index] = value(lane: step.lane, index: index)
              }
              for addition in step.additions {
                for index in 0..<count {
                  vector.buffer[addition.target * stride + index] +=
                    vector.buffer[addition.source * stride + index]
                }
              }
            }
            for runner in runners { try runner.start(on: vector.buffer.values) }
            for runner in runners { try runner.finish() }
          }
          return vector.buffer[0..<count].map(\.bitPattern)
        }
        for found in results {
          let isEqual = found == expected
          #expect(isEqual, "\(lanes) lanes on \(ranks) ranks, \(perNode) per node")
        }
      }
    }
  }
}
