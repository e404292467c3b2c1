// Whether what a job allocates before its first step fits the node. Memory that is promised but not
// there ends a run late, without a word, and takes neighbours with it.

import Basics
import Foundation
import Layers

/// The memory that the processes of a node have in common.
enum NodeMemory {
  /// Bytes: the machine's, or less where a batch queue set a limit (Linux control groups).
  static var bytes: Int {
    let machine = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
    let found = limits.compactMap { path in
      (try? String(contentsOfFile: path, encoding: .utf8))
        .flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
    return found.filter { $0 > 0 }.reduce(machine, min)
  }

  /// Refuses a model that needs more than there is.
  ///
  /// - Parameters:
  ///   - slots: vectors that the optimizer keeps beside parameters and gradients.
  ///   - shards: ranks that share the optimizer's vectors; 1 where each has all of them.
  ///   - ranks: ranks on this node.
  ///   - bytes: what the node has.
  /// - Throws: `UsageError` that says what needs how much.
  static func check(
    _ model: any Model, slots: Int, shards: Int = 1, ranks: Int, bytes: Int = NodeMemory.bytes
  ) throws(UsageError) {
    let parameters = Double(model.layout.count) * 4 * (2 + Double(slots) / Double(shards))
    let samples = Double(model.arenaCount) * 4
    let needed = (parameters + samples) * Double(ranks)
    guard needed > Double(bytes) else { return }
    func gigabytes(_ bytes: Double) -> String { String(format: "%.1f GB", bytes / 1e9) }
    let advice =
      samples > parameters
      ? "lower --batch, or start fewer ranks per node" : "make the model smaller, or its input"
    throw UsageError(
      "the model needs \(gigabytes(needed)) of memory on a node with \(ranks)"
        + " rank\(ranks == 1 ? "" : "s") (parameters, gradients and optimizer"
        + " \(gigabytes(parameters)) per rank, samples under way \(gigabytes(samples))), which has"
        + " \(gigabytes(Double(bytes))): \(advice)")
  }
}
