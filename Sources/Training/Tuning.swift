// How a run on several nodes sums its gradients: what `auto` stands for, measured at the run's first
// start and kept in `tuning.yaml`. Another algorithm or another cut into buckets adds in another order
// and gives another result, so a resumed run on the same nodes takes the same.

import Basics
import Collectives
import Foundation
import Kernels
import Messaging
import Strategies
import Yams

/// The algorithm for each length, and the bucket size.
struct Tuning: Codable, Equatable {
  /// Node of each rank, and elements of the gradient vector: what the choices are good for.
  var nodes: [Int]
  var elements: Int
  /// What the job asked for.
  var allReduce, wire: String
  /// The fastest for each measured length.
  var choices: [AllReduceChoice]
  /// Bytes of gradients that travel at once.
  var bucket: Int

  enum CodingKeys: String, CodingKey {
    case nodes, elements
    case allReduce = "all-reduce"
    case wire, choices, bucket
  }

  /// The file's name in the run's folder.
  static let fileName = "tuning.yaml"

  /// What an earlier start of the run has kept; nil if there is no such file.
  ///
  /// - Throws: `JobError` if it is not what was written.
  static func stored(inRun run: String) throws -> Tuning? {
    let path = (run as NSString).appendingPathComponent(fileName)
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let text = String(decoding: try AtomicFile.read(path), as: UTF8.self)
    do { return try Tuning(yaml: text) } catch {
      throw JobError(path: path, problem: "it is not what this program has written: \(error)")
    }
  }

  /// Reads what `yaml` wrote.
  init(yaml: String) throws { self = try YAMLDecoder().decode(Tuning.self, from: yaml) }

  /// As text.
  func yaml() throws -> String { try YAMLEncoder().encode(self) }

  /// Whether it answers this question.
  func fits(_ job: Job, _ group: RankGroup, elements: Int) -> Bool {
    nodes == group.topology.nodes && self.elements == elements && allReduce == job.allReduce
      && wire == job.wire
      && (job.bucket == nil || job.bucket == bucket)
  }

  /// Measures. Collective, the same on all ranks.
  init(
    _ job: Job, layout: ParameterLayout, in group: RankGroup, kernels: KernelTable,
    budget: Double = 1.5
  ) throws {
    let count = layout.count
    let candidates =
      job.allReduce == TunedAllReduce.autoName
      ? allReduceCatalog.entries.map(\.entry) : [try allReduceCatalog.find(job.allReduce)]
    let vector = try group.vector(count: count)
    var tuner = AllReduceTuner(
      candidates, vector: vector, in: group, kernels: kernels,
      wire: try wireFormatCatalog.find(job.wire), budget: budget)
    let choices = try tuner.choices(counts: AllReduceTuner.ladder(upTo: count))
    self.init(
      nodes: group.topology.nodes, elements: count, allReduce: job.allReduce, wire: job.wire,
      choices: choices, bucket: job.bucket ?? Self.bucket(choices, layout: layout))
  }

  private init(
    nodes: [Int], elements: Int, allReduce: String, wire: String, choices: [AllReduceChoice],
    bucket: Int
  ) {
    (self.nodes, self.elements, self.allReduce) = (nodes, elements, allReduce)
    (self.wire, self.choices, self.bucket) = (wire, choices, bucket)
  }

  /// The smallest bucket with which the sum over all buckets costs hardly more than with any other:
  /// small buckets start early and hide behind the backward pass.
  private static func bucket(_ choices: [AllReduceChoice], layout: ParameterLayout) -> Int {
    let total = layout.count * MemoryLayout<Float>.stride
    var costs: [(bytes: Int, microseconds: Double)] = []
    var bytes = 1 << 16
    repeat {
      let plan = BucketPlan(layout: layout, count: layout.count, bytes: bytes)
      costs.append(
        (
          bytes,
          plan.ranges.reduce(0) {
            $0 + microseconds(choices, $1.count * MemoryLayout<Float>.stride)
          }
        ))
      bytes *= 4
    } while bytes < 4 * total
    let least = costs.map(\.microseconds).min() ?? 0
    return costs.first { $0.microseconds <= 1.1 * least }?.bytes ?? total
  }

  /// What the sum of `bytes` takes: linear between measured lengths, in proportion beyond.
  static func microseconds(_ choices: [AllReduceChoice], _ bytes: Int) -> Double {
    guard let first = choices.first, let last = choices.last else { return 0 }
    if bytes <= first.bytes { return first.microseconds }
    if bytes >= last.bytes { return last.microseconds * Double(bytes) / Double(last.bytes) }
    for (low, high) in zip(choices, choices.dropFirst()) where bytes <= high.bytes {
      let share = Double(bytes - low.bytes) / Double(high.bytes - low.bytes)
      return low.microseconds + share * (high.microseconds - low.microseconds)
    }
    return last.microseconds
  }
}
