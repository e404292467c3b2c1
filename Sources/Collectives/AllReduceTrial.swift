// One algorithm on one length, checked and timed: what benchmarks and the choice of an algorithm
// at start are made of.

import Basics
import Kernels
import Messaging

/// Runs an all-reduce on the front of a vector, again and again.
public struct AllReduceTrial {
  /// The algorithm.
  public let algorithm: any AllReduceAlgorithm
  /// Elements.
  public let count: Int
  private let group: RankGroup
  private let values: UnsafeMutableBufferPointer<Float>
  private let runner: ScheduleRunner

  /// - Parameter vector: at least `count` floats; overwritten by `isExact`.
  public init(
    _ algorithm: any AllReduceAlgorithm, count: Int, vector: GroupVector, in group: RankGroup,
    kernels: KernelTable, wire: WireFormat = .float32
  ) {
    (self.algorithm, self.count, self.group) = (algorithm, count, group)
    values = vector.buffer[0..<count]
    let schedule = algorithm.schedule(rank: group.rank, topology: group.topology, count: count)
    runner = group.runner(schedule, on: vector, tag: 0, kernels: kernels, wire: wire)
  }

  /// Whether the sum of integers is right on every rank. Collective.
  public func isExact() throws(MessagingError) -> Bool {
    let (rank, size) = (group.rank, group.size)
    for index in values.indices { values[index] = Self.sample(rank, index) }
    try runner.run(on: values)
    var wrong = 0.0
    for index in values.indices {
      var sum: Float = 0
      for rank in 0..<size { sum += Self.sample(rank, index) }
      if values[index] != sum { wrong = 1 }
    }
    return try group.communicator.allReduce(wrong, .maximum) == 0
  }

  /// Small enough that sums over thousands of ranks are exact in any order.
  private static func sample(_ rank: Int, _ index: Int) -> Float {
    Float((rank &* 5 &+ index &* 3) % 17 - 8)
  }

  /// Seconds of one all-reduce, averaged over `repetitions` in a row, on the slowest rank; the same
  /// on all ranks. The vector is set to zeros, whose sum stays the same. Collective.
  public func time(repetitions: Int) throws(MessagingError) -> Double {
    values.update(repeating: 0)
    let clock = ContinuousClock()
    try group.communicator.barrier()
    let start = clock.now
    for _ in 0..<repetitions { try runner.run(on: values) }
    let seconds = (clock.now - start) / .seconds(1) / Double(repetitions)
    return try group.communicator.allReduce(seconds, .maximum)
  }
}
