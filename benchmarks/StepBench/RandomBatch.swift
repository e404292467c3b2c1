// A batch of random samples and targets for any model, and the files that a peer reads it from.

import Basics
import Foundation

/// Memory of one batch, for the program's life.
final class RandomBatch {
  let batch: Batch
  private let inputs: UnsafeMutableRawPointer
  private let inputBytes: Int
  private let targets: UnsafeMutablePointer<Int32>
  private let targetCount: Int
  private let space: SampleSpace
  /// Sparse samples as a peer reads them: all features.
  private var dense: [Float] = []

  init(_ count: Int, of space: SampleSpace, targetsPerSample: Int, seed: UInt64) {
    self.space = space
    let random = CounterRandom(seed: seed, stream: .test)
    let size = space.input.count
    inputBytes = count * space.input.bytesPerSample
    inputs = .allocate(byteCount: inputBytes, alignment: 64)
    switch space.input.element {
    case .float:
      let values = inputs.bindMemory(to: Float.self, capacity: count * size)
      for index in 0..<count * size { values[index] = random.normal(UInt64(index)) }
    case .index:
      let values = inputs.bindMemory(to: Int32.self, capacity: count * size)
      for index in 0..<count * size {
        let column = space.indexCounts.count > 1 ? index % size : 0
        values[index] = Int32(random.index(UInt64(index), below: space.indexCounts[column]))
      }
    case .sparse:
      // One feature in nine.
      let rows = inputs.bindMemory(to: SparseRow.self, capacity: count)
      dense = [Float](repeating: 0, count: count * size)
      let entries = (size + 8) / 9
      for row in 0..<count {
        let places = UnsafeMutablePointer<Int32>.allocate(capacity: entries)
        let values = UnsafeMutablePointer<Float>.allocate(capacity: entries)
        for entry in 0..<entries {
          let number = UInt64(row * entries + entry)
          places[entry] = Int32(min(entry * 9 + random.index(number, below: 9), size - 1))
          values[entry] = random.normal(1 << 32 + number)
          dense[row * size + Int(places[entry])] += values[entry]
        }
        rows[row] = SparseRow(indices: places, values: values, count: entries)
      }
    }
    targetCount = count * targetsPerSample
    targets = .allocate(capacity: targetCount)
    for index in 0..<targetCount {
      let number = 1 << 40 + UInt64(index)
      targets[index] =
        space.targets == .numbers
        ? random.normal(number).target : Int32(random.index(number, below: space.classes))
    }
    batch = Batch(
      count: count, globalCount: count, offset: 0, inputs: UnsafeRawPointer(inputs),
      targets: UnsafePointer(targets))
  }

  /// Writes raw inputs and targets, and what they are.
  func export(to folder: String) throws {
    func write(_ data: Data, _ name: String) throws {
      try data.write(to: URL(fileURLWithPath: folder + "/" + name))
    }
    try write(
      space.input.element == .sparse
        ? dense.withUnsafeBytes { Data($0) } : Data(bytes: inputs, count: inputBytes), "inputs.raw")
    try write(Data(bytes: targets, count: 4 * targetCount), "targets.raw")
    let facts: [String: Any] = [
      "input": space.input.dimensions, "element": space.input.element.rawValue,
      "classes": space.classes, "targets": space.targets.rawValue,
      "index_counts": space.indexCounts,
    ]
    try write(JSONSerialization.data(withJSONObject: facts), "space.json")
  }
}
