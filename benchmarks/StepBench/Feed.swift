// Real data for both sides: what apus trains on, step by step, goes to files that the peer reads.

import Basics
import Datasets
import Foundation
import Kernels

/// Batches of training data in the order of `apus train`, and the held-out half.
final class Feed {
  let pair: DatasetPair
  private let reader: BatchReader
  private let kernels: KernelTable
  private var step = 0

  init(
    _ data: String, settings: [String: String], batch: Int, seed: UInt64, kernels: KernelTable
  ) throws {
    pair = try openDataset(data, settings: settings)
    self.kernels = kernels
    reader = BatchReader(
      pair.training, globalBatch: batch, parts: 1, mine: 0..<1, seed: seed, kernels: kernels)
  }

  var stepsPerEpoch: Int { reader.cut.stepsPerEpoch }

  /// The batch of the next step.
  func next() -> Batch {
    defer { step += 1 }
    return reader.read(step: step % stepsPerEpoch, epoch: step / stepsPerEpoch)
  }

  /// Appends a batch to raw files, their names beginning with `prefix`, and its number of samples:
  /// batches are not all of one size.
  func append(_ batch: Batch, to prefix: String) throws {
    var size = Int32(batch.count)
    try append(&size, 4, prefix + "sizes.raw")
    try append(batch.inputs, batch.count * reader.bytesPerSample, prefix + "inputs.raw")
    let targets = batch.count * pair.training.targetsPerSample
    try append(batch.targets, 4 * targets, prefix + "targets.raw")
  }

  private func append(_ bytes: UnsafeRawPointer, _ count: Int, _ path: String) throws {
    if !FileManager.default.fileExists(atPath: path) {
      try Data().write(to: URL(fileURLWithPath: path))
    }
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.seekToEnd()
    try file.write(contentsOf: Data(bytes: bytes, count: count))
    try file.close()
  }

  /// Writes the held-out half, in order.
  func exportHeldOut(to folder: String) throws {
    let all = BatchReader(
      pair.heldOut, globalBatch: 64, parts: 1, mine: 0..<1, seed: nil, kernels: kernels)
    for step in 0..<all.cut.stepsPerEpoch {
      try append(all.read(step: step, epoch: 0), to: folder + "/heldout_")
    }
  }
}
