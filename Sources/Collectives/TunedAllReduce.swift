// `auto`: the fastest algorithm for each length, found by a short measurement at start. Another
// order of summation is another result, so a run keeps its choices (`choices` go to the run's
// folder) and takes the same when it is resumed.

import Basics
import Kernels
import Messaging

/// What was fastest for vectors of about one length.
public struct AllReduceChoice: Codable, Sendable, Equatable {
  /// Bytes of the vector that was measured.
  public let bytes: Int
  /// Name in the catalogue.
  public let algorithm: String
  /// What it took, and what the library's own took where that was a candidate.
  public let microseconds: Double
  public let nativeMicroseconds: Double?
}

/// An all-reduce that is one of several, by length.
public struct TunedAllReduce: AllReduceAlgorithm {
  /// What a user writes to have it.
  public static let autoName = "auto"
  public let name = TunedAllReduce.autoName
  public let summary = "the fastest for each length, measured at start"
  /// In ascending order of length.
  public let choices: [AllReduceChoice]
  private let algorithms: [any AllReduceAlgorithm]

  /// Takes up choices that were made before.
  public init(_ choices: [AllReduceChoice]) throws(UnknownName) {
    precondition(!choices.isEmpty, "there is something to choose from")
    self.choices = choices.sorted { $0.bytes < $1.bytes }
    var algorithms: [any AllReduceAlgorithm] = []
    for choice in self.choices { algorithms.append(try allReduceCatalog.find(choice.algorithm)) }
    self.algorithms = algorithms
  }

  /// The choice whose measured length is nearest to `count` elements, as a ratio.
  public func algorithm(for count: Int) -> any AllReduceAlgorithm {
    let bytes = Double(max(1, count) * MemoryLayout<Float>.stride)
    var best = 0
    for index in choices.indices.dropFirst() {
      // Beyond the geometric mean of two neighbours the longer one is nearer.
      let (low, high) = (Double(max(1, choices[index - 1].bytes)), Double(choices[index].bytes))
      if bytes * bytes > low * high { best = index }
    }
    return algorithms[best]
  }

  public func schedule(rank: Int, topology: Topology, count: Int) -> Schedule {
    algorithm(for: count).schedule(rank: rank, topology: topology, count: count)
  }
  public func owned(by rank: Int, topology: Topology, count: Int) -> Range<Int> {
    algorithm(for: count).owned(by: rank, topology: topology, count: count)
  }
  public func reduceScatter(rank: Int, topology: Topology, count: Int) -> Schedule {
    algorithm(for: count).reduceScatter(rank: rank, topology: topology, count: count)
  }
  public func allGather(rank: Int, topology: Topology, count: Int) -> Schedule {
    algorithm(for: count).allGather(rank: rank, topology: topology, count: count)
  }
}
