// The short measurement behind `auto`: every algorithm that fits the topology, in turn, on longer
// and longer vectors, until the time that was granted is used up. Figures are those of the slowest
// rank, so that all ranks come to the same choices.

import Kernels
import Messaging

/// Finds the fastest algorithm for each length.
public struct AllReduceTuner {
  private let group: RankGroup
  private let kernels: KernelTable
  private let vector: GroupVector
  private let wire: WireFormat
  /// Seconds that are left, and that were granted.
  private var budget: Double
  private let grant: Double
  /// What may still be the fastest, and its time at the last length.
  private var candidates: [(algorithm: any AllReduceAlgorithm, seconds: Double)]

  /// - Parameters:
  ///   - candidates: what to choose from; those that do not fit the topology are left out.
  ///   - vector: at least as long as the longest length; left as zeros.
  ///   - budget: seconds to spend, about.
  public init(
    _ candidates: [any AllReduceAlgorithm], vector: GroupVector, in group: RankGroup,
    kernels: KernelTable, wire: WireFormat, budget: Double
  ) {
    (self.group, self.kernels, self.vector) = (group, kernels, vector)
    (self.wire, self.budget, grant) = (wire, budget, budget)
    self.candidates = Self.distinct(candidates, on: group.topology).map { ($0, 0) }
  }

  /// Those that work on a topology, without those that are there the same as an earlier one (as
  /// hierarchical algorithms are with one rank per node, or with one node).
  public static func distinct(
    _ algorithms: [any AllReduceAlgorithm], on topology: Topology
  ) -> [any AllReduceAlgorithm] {
    var seen: [Schedule] = []
    return algorithms.filter { algorithm in
      guard algorithm.objection(to: topology) == nil else { return false }
      // Rank 0's, on every rank: all come to the same result.
      let schedule = algorithm.schedule(rank: 0, topology: topology, count: 1 << 20)
      if topology.ranks > 1 && seen.contains(schedule) { return false }
      seen.append(schedule)
      return true
    }
  }

  /// The fastest at each of `counts` elements that there was time for, the shortest at least.
  /// `native` wins ties. Collective, the same on all ranks.
  public mutating func choices(counts: [Int]) throws(MessagingError) -> [AllReduceChoice] {
    var choices: [AllReduceChoice] = []
    var previous = 0
    for count in Set(counts).filter({ $0 > 0 }).sorted() {
      if previous > 0 {
        guard drop(growth: Double(count) / Double(previous)) else { break }
      }
      previous = count
      choices.append(try choice(count: count, share: min(budget / 4, grant / 16)))
    }
    return choices
  }

  /// Lengths to measure: 4 KiB and fourfold steps, and `count` elements themselves.
  public static func ladder(upTo count: Int) -> [Int] {
    var counts = [count]
    var step = 1024
    while step < count {
      counts.append(step)
      step *= 4
    }
    return counts
  }

  /// Leaves out what cannot be the fastest at a length that is `growth` times the last one; false if
  /// there is no time to try the rest.
  private mutating func drop(growth: Double) -> Bool {
    // Time grows with length, and at most in proportion. Half as much again for what is disturbed.
    let least = candidates.map(\.seconds).min() ?? 0
    candidates.removeAll { $0.seconds > 1.5 * least * growth }
    func cost() -> Double { 2 * growth * candidates.reduce(0) { $0 + $1.seconds } }
    if cost() > budget {
      candidates.removeAll { $0.seconds > 1.5 * least && !($0.algorithm is NativeAllReduce) }
    }
    return cost() < budget
  }

  private mutating func choice(count: Int, share: Double) throws(MessagingError) -> AllReduceChoice
  {
    let trials = candidates.map {
      AllReduceTrial(
        $0.algorithm, count: count, vector: vector, in: group, kernels: kernels, wire: wire)
    }
    // Once for warmth and an estimate, then in turn, the promising ones.
    for (index, trial) in trials.enumerated() {
      candidates[index].seconds = try trial.time(repetitions: 1)
      budget -= candidates[index].seconds
    }
    let turn = share / Double(8 * max(trials.count, 1))
    for _ in 0..<5 {
      let least = candidates.map(\.seconds).min() ?? 0
      for (index, trial) in trials.enumerated() {
        let seconds = candidates[index].seconds
        guard seconds < 3 * least + 2e-5, seconds < budget / 8 else { continue }
        let repetitions = max(1, min(1000, Int(turn / max(seconds, 1e-7))))
        let time = try trial.time(repetitions: repetitions)
        budget -= time * Double(repetitions)
        candidates[index].seconds = min(seconds, time)
      }
    }
    let native = candidates.first { $0.algorithm is NativeAllReduce }
    var best = candidates[0]
    for candidate in candidates where candidate.seconds < best.seconds { best = candidate }
    if let native, native.seconds <= best.seconds { best = native }
    return AllReduceChoice(
      bytes: count * MemoryLayout<Float>.stride, algorithm: best.algorithm.name,
      microseconds: best.seconds * 1e6, nativeMicroseconds: native.map { $0.seconds * 1e6 })
  }
}
