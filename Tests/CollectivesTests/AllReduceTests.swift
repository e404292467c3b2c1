// Every algorithm of the catalogue, executed by threads.

import Basics
import Kernels
import Messaging
import Testing

@testable import Collectives

/// Integer-valued, so that every order of addition gives the same, exact sum.
func sample(rank: Int, index: Int) -> Float { Float((rank * 31 + index * 7) % 101 - 50) }

func sampleSum(ranks: Int, index: Int) -> Float {
  (0..<ranks).reduce(0) { $0 + sample(rank: $1, index: index) }
}

@Suite struct AllReduceTests {
  @Test(arguments: allReduceCatalog.names, 1...8)
  func sumsExactly(name: String, ranks: Int) throws {
    let algorithm = try allReduceCatalog.find(name)
    let wrong = try LocalWorld.run(ranks: ranks, timeout: .seconds(20)) { communicator in
      var wrong = 0
      for count in [0, 1, ranks - 1, ranks, ranks + 1, 1000, 16 * ranks + 5] {
        let rank = communicator.rank
        let buffer = FloatBuffer(count: count)
        let runner = ScheduleRunner(
          algorithm.schedule(rank: rank, ranks: ranks, count: count),
          communicator: communicator, tag: 1, kernels: KernelSelection.best)
        for repetition in 0..<2 {
          for index in 0..<count { buffer[index] = sample(rank: rank, index: index + repetition) }
          try runner.run(on: buffer.values)
          for index in 0..<count {
            if buffer[index] != sampleSum(ranks: ranks, index: index + repetition) { wrong += 1 }
          }
        }
      }
      return wrong
    }
    #expect(wrong == Array(repeating: 0, count: ranks))
  }
}
