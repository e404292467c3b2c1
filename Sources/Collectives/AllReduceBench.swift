// A study of all-reduce algorithms side by side: checked first, then timed in turn, so that what
// disturbs the machine disturbs all of them alike.

import Kernels
import Messaging

/// One algorithm on one length.
public struct AllReduceFigure: Sendable, Equatable {
  /// Name of the algorithm; for `auto` with its choice: `auto (ring)`.
  public let algorithm: String
  /// Bytes of the vector.
  public let bytes: Int
  /// Seconds per all-reduce on the slowest rank, over all rounds.
  public let fastest, median: Double
  /// What the hardware allows: see `AllReduceBench`.
  public let bound: Double

  /// A figure, measured or foreseen.
  public init(algorithm: String, bytes: Int, fastest: Double, median: Double, bound: Double) {
    (self.algorithm, self.bytes, self.bound) = (algorithm, bytes, bound)
    (self.fastest, self.median) = (fastest, median)
  }

  /// Bytes reduced per second, in units of 1e9.
  public var gigabytesPerSecond: Double { Double(bytes) / fastest / 1e9 }
}

/// A sum came out wrong.
public struct WrongSum: Error, Sendable, CustomStringConvertible {
  /// Names the algorithm and the length.
  public let description: String
}

/// Times algorithms over one group of ranks.
///
/// The bound of one node is the time in which its ranks, without ever meeting, sum their slices in
/// memory; that of several is 2 (m - 1) / m vectors over the bandwidth of a link, for m nodes, where
/// the bandwidth is that of a ping-pong in the same run.
public final class AllReduceBench {
  private let group: RankGroup
  private let kernels: KernelTable
  private let vector: GroupVector
  private let wire: WireFormat
  /// Bytes per second of a ping-pong between rank 0 and the first rank of another node; nil on one
  /// node.
  public private(set) var bandwidth: Double?

  /// Allocates vectors of the longest length. Collective.
  public init(
    longest bytes: Int, over communicator: any Communicator, kernels: KernelTable,
    wire: WireFormat = .float32
  ) throws(MessagingError) {
    group = try RankGroup(communicator)
    (self.kernels, self.wire) = (kernels, wire)
    vector = try group.vector(count: bytes / 4)
    if !group.topology.isOneNode {
      bandwidth = try Self.pingPong(bytes: min(max(bytes, 1 << 22), 25_000_000), group)
    }
  }

  /// Which ranks share memory.
  public var topology: Topology { group.topology }

  /// Names of the algorithms that work here, without those that come to the same.
  public var distinctNames: [String] {
    AllReduceTuner.distinct(allReduceCatalog.entries.map(\.entry), on: group.topology).map(\.name)
  }

  /// The choices of `auto` at these lengths. Collective.
  public func tune(bytes: [Int]) throws(MessagingError) -> TunedAllReduce {
    var tuner = AllReduceTuner(
      allReduceCatalog.entries.map(\.entry), vector: vector, in: group, kernels: kernels,
      wire: wire, budget: 4)
    let longest = (bytes.max() ?? 4) / 4
    let choices = try tuner.choices(
      counts: bytes.map { $0 / 4 } + AllReduceTuner.ladder(upTo: longest))
    do {
      return try TunedAllReduce(choices)
    } catch { preconditionFailure("an algorithm of the catalogue is not in it: \(error)") }
  }

  /// Figures of all algorithms that fit the topology, at one length; the same on all ranks.
  /// Collective.
  ///
  /// - Parameter rounds: how often they take turns.
  public func run(
    _ algorithms: [any AllReduceAlgorithm], bytes: Int, rounds: Int
  ) throws -> [AllReduceFigure] {
    let count = bytes / 4
    let trials = algorithms.filter { $0.objection(to: group.topology) == nil }.map {
      AllReduceTrial($0, count: count, vector: vector, in: group, kernels: kernels, wire: wire)
    }
    for trial in trials where try !trial.isExact() {
      throw WrongSum(
        description: "\(trial.algorithm.name) sums \(count) floats over \(group.size) ranks wrongly"
      )
    }
    // Each turn lasts about a fiftieth of a second, the slowest algorithm's one repetition at least.
    var repetitions: [Int] = []
    for trial in trials {
      let estimate = min(try trial.time(repetitions: 1), try trial.time(repetitions: 2))
      repetitions.append(max(1, min(2000, Int(0.02 / max(estimate, 1e-7)))))
    }
    var times = trials.map { _ in [Double]() }
    var bound = [Double]()
    for _ in 0..<rounds {
      for (index, trial) in trials.enumerated() {
        times[index].append(try trial.time(repetitions: repetitions[index]))
      }
      if bandwidth == nil { bound.append(try memoryPass(count)) }
    }
    let nodes = Double(group.topology.members.count)
    let limit = bandwidth.map { 2 * (nodes - 1) / nodes * Double(bytes) / $0 } ?? bound.min() ?? 0
    return zip(trials, times).map { trial, times in
      let sorted = times.sorted()
      var name = trial.algorithm.name
      if let tuned = trial.algorithm as? TunedAllReduce {
        name += " (\(tuned.algorithm(for: count).name))"
      }
      return AllReduceFigure(
        algorithm: name, bytes: bytes, fastest: sorted[0], median: sorted[sorted.count / 2],
        bound: limit)
    }
  }

  /// Seconds in which every rank sums its slice, nobody waiting for anybody.
  private func memoryPass(_ count: Int) throws(MessagingError) -> Double {
    let slice = evenBlock(group.rank, of: group.size, count: count)
    let runner = group.runner(
      Schedule([
        [.sum(slice, over: group.neighbours, into: group.neighbours)]
      ]).withoutEmptyTransfers(), on: vector, tag: 0, kernels: kernels)
    let values = vector.buffer[0..<count]
    let clock = ContinuousClock()
    try runner.run(on: values)
    try group.communicator.barrier()
    let repetitions = max(4, min(2000, 40_000_000 / max(count, 1)))
    let start = clock.now
    for _ in 0..<repetitions { try runner.run(on: values) }
    let seconds = (clock.now - start) / .seconds(1) / Double(repetitions)
    let slowest = try group.communicator.allReduce(seconds, .maximum)
    try group.communicator.barrier()
    return slowest
  }

  /// Bytes per second one way, the best of a few round trips between rank 0 and the first rank of
  /// another node; the others wait.
  private static func pingPong(bytes: Int, _ group: RankGroup) throws(MessagingError) -> Double {
    let peer = group.topology.members[1][0]
    let message = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
    defer { message.deallocate() }
    message.initializeMemory(as: UInt8.self, repeating: 1)
    let communicator = group.communicator
    var best = Double.infinity
    let clock = ContinuousClock()
    for _ in 0..<5 {
      try communicator.barrier()
      let start = clock.now
      if group.rank == 0 {
        try communicator.send(UnsafeRawBufferPointer(message), to: peer, tag: 0)
        try communicator.receive(into: message, from: peer, tag: 0)
        best = min(best, (clock.now - start) / .seconds(1) / 2)
      } else if group.rank == peer {
        try communicator.receive(into: message, from: 0, tag: 0)
        try communicator.send(UnsafeRawBufferPointer(message), to: 0, tag: 0)
      }
    }
    return Double(bytes) / (try communicator.allReduce(best, .minimum))
  }
}
