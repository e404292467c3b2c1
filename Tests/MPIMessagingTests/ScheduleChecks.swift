import Basics
import Collectives
import Kernels
import Messaging

extension ConformanceCheck {
  static let schedules: [ConformanceCheck] = allReduceCatalog.entries.flatMap { name, algorithm in
    [
      ConformanceCheck("\(name): exact on awkward lengths") { world in
        let group = try RankGroup(world)
        for count in [0, 1, world.size - 1, world.size, world.size + 1, 5441] {
          let vector = try group.vector(count: count)
          guard let runner = runner(algorithm, vector, group, tag: 1) else { return }
          for repetition in 0..<2 {
            fill(vector.buffer, world.rank, repetition)
            try runner.run(on: vector.buffer.values)
            try check(vector.buffer, world.size, repetition)
          }
        }
      },

      ConformanceCheck("\(name): several in flight") { world in
        let group = try RankGroup(world)
        var vectors: [GroupVector] = []
        for count in [5000, 16, 1, 333] { vectors.append(try group.vector(count: count)) }
        let runners = vectors.enumerated().compactMap {
          runner(algorithm, $1, group, tag: 20 + $0)
        }
        guard runners.count == vectors.count else { return }
        for repetition in 0..<3 {
          for (runner, vector) in zip(runners, vectors) {
            fill(vector.buffer, world.rank, repetition)
            try runner.start(on: vector.buffer.values)
          }
          var open = world.rank % 2 == 0 ? runners : runners.reversed()
          let waits = algorithm.schedule(
            rank: world.rank, topology: group.topology, count: 1
          ).waitsForFinish
          while !open.isEmpty && !waits { open = try open.filter { try !$0.advance() } }
          for runner in runners { try runner.finish() }
          for vector in vectors { try check(vector.buffer, world.size, repetition) }
        }
      },
    ]
  }

  /// Nil where the algorithm does not work on these nodes.
  private static func runner(
    _ algorithm: any AllReduceAlgorithm, _ vector: GroupVector, _ group: RankGroup, tag: Int
  ) -> ScheduleRunner? {
    guard algorithm.objection(to: group.topology) == nil else { return nil }
    let schedule = algorithm.schedule(
      rank: group.rank, topology: group.topology, count: vector.buffer.count)
    return group.runner(schedule, on: vector, tag: tag, kernels: KernelSelection.best)
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
