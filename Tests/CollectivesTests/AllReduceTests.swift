// Every algorithm of the catalogue, executed by threads.

import Basics
import Kernels
import Messaging
import Testing

@testable import Collectives

/// Integer-valued, so that every order of addition gives the same, exact sum.
func sample(rank: Int, index: Int) -> Float { Float((rank * 31 + index * 7) % 101 - 50) }

func sampleSum(ranks: Int, index: Int) -> Float { sampleSums[ranks][index % 101] }

/// By ranks and index; samples repeat.
private let sampleSums: [[Float]] = (0...64).map { ranks in
  (0..<101).map { index in (0..<ranks).reduce(0) { $0 + sample(rank: $1, index: index) } }
}

/// Ways to lay 1-8 ranks out on nodes, as ranks per node.
let layouts: [(ranks: Int, perNode: Int)] =
  (1...8).flatMap { ranks in
    Set([1, 2, 3, ranks]).filter { $0 <= ranks }.sorted().map { (ranks, $0) }
  }

/// The topology that `LocalWorld` gives.
func topology(_ ranks: Int, perNode: Int) -> Topology {
  Topology(nodes: (0..<ranks).map { $0 / perNode })
}

@Suite struct AllReduceTests {
  /// `part`: what each rank does with its vector, and the elements that must then hold the sum.
  private func expectSums(
    _ algorithm: any AllReduceAlgorithm, _ ranks: Int, _ perNode: Int,
    _ part: @escaping @Sendable (Topology, _ rank: Int, _ count: Int) -> ([Schedule], Range<Int>)
  ) throws {
    guard algorithm.objection(to: topology(ranks, perNode: perNode)) == nil else { return }
    let wrong = try LocalWorld.run(
      ranks: ranks, ranksPerNode: perNode, timeout: .seconds(20)
    ) { communicator in
      let group = try RankGroup(communicator)
      var wrong = group.topology == topology(ranks, perNode: perNode) ? 0 : 1
      for count in [0, 1, ranks - 1, ranks, ranks + 1, 333, 16 * ranks + 5] {
        let rank = communicator.rank
        let vector = try group.vector(count: count)
        let (schedules, summed) = part(group.topology, rank, count)
        let runners = schedules.map {
          group.runner($0, on: vector, tag: 1, kernels: KernelSelection.best)
        }
        for repetition in 0..<2 {
          let buffer = vector.buffer
          for index in 0..<count { buffer[index] = sample(rank: rank, index: index + repetition) }
          for runner in runners { try runner.run(on: buffer.values) }
          for index in summed
          where buffer[index] != sampleSum(ranks: ranks, index: index + repetition) { wrong += 1 }
        }
      }
      return wrong
    }
    #expect(
      wrong == Array(repeating: 0, count: ranks), "\(algorithm.name), \(perNode) ranks per node")
  }

  @Test(arguments: Subject.all, layouts)
  func sumsExactly(subject: Subject, layout: (ranks: Int, perNode: Int)) throws {
    let algorithm = subject.algorithm
    try expectSums(algorithm, layout.ranks, layout.perNode) { topology, rank, count in
      ([algorithm.schedule(rank: rank, topology: topology, count: count)], 0..<count)
    }
  }

  @Test(arguments: Subject.all, layouts)
  func halvesSumExactly(subject: Subject, layout: (ranks: Int, perNode: Int)) throws {
    let algorithm = subject.algorithm
    try expectSums(algorithm, layout.ranks, layout.perNode) { topology, rank, count in
      (
        [algorithm.reduceScatter(rank: rank, topology: topology, count: count)],
        algorithm.owned(by: rank, topology: topology, count: count)
      )
    }
    try expectSums(algorithm, layout.ranks, layout.perNode) { topology, rank, count in
      (
        [
          algorithm.reduceScatter(rank: rank, topology: topology, count: count),
          algorithm.allGather(rank: rank, topology: topology, count: count),
        ], 0..<count
      )
    }
  }

  /// Replicas stay equal because all ranks get the same bits; the sharded update, because an
  /// owner's sum has the bits that the all-reduce gives.
  @Test(arguments: Subject.all, layouts)
  func allRanksAndHalvesGetTheSameBits(subject: Subject, layout: (ranks: Int, perNode: Int)) throws
  {
    let algorithm = subject.algorithm
    let (ranks, perNode) = layout
    guard algorithm.objection(to: topology(ranks, perNode: perNode)) == nil else { return }
    let results = try LocalWorld.run(
      ranks: ranks, ranksPerNode: perNode, timeout: .seconds(20)
    ) { communicator in
      let group = try RankGroup(communicator)
      let (rank, count) = (communicator.rank, 777)
      let vectors = [try group.vector(count: count), try group.vector(count: count)]
      for vector in vectors {
        for index in 0..<count {
          vector.buffer[index] = 1 / Float(3 + 7 * rank + index) * (index % 2 == 0 ? 1 : -1)
        }
      }
      let schedules = [
        algorithm.schedule(rank: rank, topology: group.topology, count: count),
        algorithm.reduceScatter(rank: rank, topology: group.topology, count: count),
      ]
      for (schedule, vector) in zip(schedules, vectors) {
        try group.runner(schedule, on: vector, tag: 1, kernels: KernelSelection.best)
          .run(on: vector.buffer.values)
      }
      let owned = algorithm.owned(by: rank, topology: group.topology, count: count)
      return vectors.enumerated().map { number, vector in
        (number == 0 ? 0..<count : owned).map { vector.buffer[$0].bitPattern }
      } + [owned.map { vectors[0].buffer[$0].bitPattern }]
    }
    for result in results {
      #expect(result[0] == results[0][0])
      #expect(result[1] == result[2])
    }
  }
}
