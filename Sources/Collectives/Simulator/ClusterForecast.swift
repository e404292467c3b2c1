// Which all-reduce would be best on a cluster: all of the catalogue, simulated.

/// One algorithm on one length.
public struct Forecast: Sendable, Equatable {
  /// Name in the catalogue.
  public let algorithm: String
  /// Elements asked for.
  public let count: Int
  /// What was found.
  public let outcome: ClusterSimulator.Outcome
}

extension AllReduceAlgorithm {
  /// Whether its costs can be foreseen: the messaging library keeps those of its own all-reduce to
  /// itself.
  public var isForeseeable: Bool {
    !schedule(rank: 0, ranks: 2, count: 1).rounds.joined().contains {
      if case .library = $0 { true } else { false }
    }
  }
}

extension ClusterSimulator {
  /// The algorithms that can be simulated on this topology; of those that do the same on it, one.
  public var candidates: [any AllReduceAlgorithm] {
    let samples = Set([0, 1, topology.ranks / 2, topology.ranks - 1]).filter { $0 < topology.ranks }
      .sorted()
    var seen: [[Schedule]] = []
    return allReduceCatalog.entries.map(\.entry).filter { algorithm in
      guard algorithm.isForeseeable, algorithm.objection(to: topology) == nil else { return false }
      let schedules = samples.map {
        algorithm.schedule(rank: $0, topology: topology, count: 4 * topology.ranks)
      }
      // An algorithm in two levels is its inner one where nodes have one rank.
      if seen.contains(schedules) && algorithm is HierarchicalAllReduce { return false }
      seen.append(schedules)
      return true
    }
  }

  /// Times of `count` elements, fastest first. An algorithm whose messages are too many to follow is
  /// left out.
  ///
  /// - Parameter candidates: some of those in `candidates`.
  public func forecasts(count: Int, of candidates: [any AllReduceAlgorithm]) -> [Forecast] {
    candidates.compactMap { algorithm in
      (try? allReduce(algorithm, count: count)).map {
        Forecast(algorithm: algorithm.name, count: count, outcome: $0)
      }
    }.sorted { $0.outcome.seconds < $1.outcome.seconds }
  }

  /// The fastest algorithm for each of some lengths, as `auto` would find it by measuring; nil where
  /// there is nothing to choose from. What cannot win is not simulated.
  public func tuned(counts: [Int], from candidates: [any AllReduceAlgorithm]) -> TunedAllReduce? {
    let choices = Set(counts).sorted().compactMap { count -> AllReduceChoice? in
      var best: (name: String, seconds: Double)?
      let ordered = candidates.map { (algorithm: $0, least: least($0, count: count)) }
        .sorted { $0.least < $1.least }
      for (algorithm, least) in ordered where least < best?.seconds ?? .infinity {
        guard let seconds = try? allReduce(algorithm, count: count).seconds else { continue }
        if seconds < best?.seconds ?? .infinity { best = (algorithm.name, seconds) }
      }
      return best.map {
        AllReduceChoice(
          bytes: 4 * count, algorithm: $0.name, microseconds: $0.seconds * 1e6,
          nativeMicroseconds: nil)
      }
    }
    return choices.isEmpty ? nil : try? TunedAllReduce(choices)
  }

  /// No all-reduce is faster than what one of its ranks has to send over its link, and to hand over.
  private func least(_ algorithm: any AllReduceAlgorithm, count: Int) -> Double {
    var messages = 0, bytes = 0
    for round in algorithm.schedule(rank: 0, topology: topology, count: count).rounds {
      for case .send(let range, let peer) in round where topology.nodes[peer] != topology.nodes[0] {
        messages += 1
        bytes += range.count * wire.bytesPerElement
      }
    }
    return max(Double(bytes) / model.bandwidth, Double(messages) * model.sendOverhead)
  }
}
