import Basics
import Collectives
import Kernels
import Messaging

extension ConformanceCheck {
  static let schedules: [ConformanceCheck] = allReduceCatalog.entries.flatMap { name, algorithm in
    [
      ConformanceCheck("\(name): exact on awkward lengths") { world in
        for count in [0, 1, world.size - 1, world.size, world.size + 1, 5441] {
          let buffer = FloatBuffer(count: count)
          let runner = runner(algorithm, count, world, tag: 1)
          for repetition in 0..<2 {
            fill(buffer, world.rank, repetition)
            try runner.run(on: buffer.values)
            try check(buffer, world.size, repetition)
          }
        }
      },

      ConformanceCheck("\(name): several in flight") { world in
        let buffers = [5000, 16, 1, 333].map { FloatBuffer(count: $0) }
        let runners = buffers.enumerated().map { runner(algorithm, $1.count, world, tag: 20 + $0) }
        for repetition in 0..<3 {
          for (runner, buffer) in zip(runners, buffers) {
            fill(buffer, world.rank, repetition)
            try runner.start(on: buffer.values)
          }
          var open = world.rank % 2 == 0 ? runners : runners.reversed()
          while !open.isEmpty { open = try open.filter { try !$0.advance() } }
          for buffer in buffers { try check(buffer, world.size, repetition) }
        }
      },
    ]
  }

  private static func runner(
    _ algorithm: any AllReduceAlgorithm, _ count: Int, _ world: any Communicator, tag: Int
  ) -> ScheduleRunner {
    ScheduleRunner(
      algorithm.schedule(rank: world.rank, ranks: world.size, count: count), communicator: world,
      tag: tag, kernels: KernelSelection.best)
  }

  /// Integers: every order of addition gives the same, exact sum.
  private static func value(_ rank: Int, _ index: Int, _ repetition: Int) -> Float {
    Float((rank * 31 + index * 7 + repetition) % 101 - 50)
  }

  private static func fill(_ buffer: FloatBuffer, _ rank: Int, _ repetition: Int) {
    for index in 0..<buffer.count { buffer.pointer[index] = value(rank, index, repetition) }
  }

  private static func check(_ buffer: FloatBuffer, _ ranks: Int, _ repetition: Int) throws {
    for index in 0..<buffer.count {
      var sum: Float = 0
      for rank in 0..<ranks { sum += value(rank, index, repetition) }
      if buffer.pointer[index] != sum {
        throw ConformanceFailure(
          description: "element \(index) of \(buffer.count) is \(buffer.pointer[index]), not \(sum)"
        )
      }
    }
  }
}
