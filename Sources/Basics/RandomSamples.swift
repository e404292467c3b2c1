// Random samples and targets of any space, for measuring and testing without data.

/// A batch that stays the same, and its memory. A pure function of its arguments.
public final class RandomSamples {
  /// What the samples look like.
  public let space: SampleSpace
  /// All of them as one batch of one rank.
  public let batch: Batch
  /// Bytes of all inputs, and number of all targets.
  public let inputBytes: Int, targetCount: Int
  /// All features of sparse samples: (count, features); empty for others.
  public private(set) var denseInputs: [Float] = []

  private let inputs: UnsafeMutableRawPointer
  private let targets: UnsafeMutablePointer<Int32>
  private let entries: FloatBuffer

  /// Every how many features of sparse samples there is one that is not zero.
  private static let sparsity = 9

  /// `count` samples: normally distributed numbers, evenly distributed indices and classes.
  public init(_ count: Int, of space: SampleSpace, targetsPerSample: Int, seed: UInt64 = 1) {
    self.space = space
    let random = CounterRandom(seed: seed, stream: .test)
    let size = space.input.count
    inputBytes = count * space.input.bytesPerSample
    inputs = .allocate(byteCount: max(1, inputBytes), alignment: 64)
    targetCount = count * targetsPerSample
    targets = .allocate(capacity: max(1, targetCount))
    let perRow = (size + Self.sparsity - 1) / Self.sparsity
    let isSparse = space.input.element == .sparse
    entries = FloatBuffer(count: isSparse ? 2 * count * perRow : 0)
    for index in 0..<targetCount {
      let number = 1 << 40 + UInt64(index)
      targets[index] =
        space.targets == .numbers
        ? random.normal(number).target : Int32(random.index(number, below: space.classes))
    }
    batch = Batch(
      count: count, globalCount: count, offset: 0, inputs: UnsafeRawPointer(inputs),
      targets: UnsafePointer(targets))
    switch space.input.element {
    case .float:
      let values = inputs.bindMemory(to: Float.self, capacity: count * size)
      for index in 0..<count * size { values[index] = random.normal(UInt64(index)) }
    case .index:
      let values = inputs.bindMemory(to: Int32.self, capacity: count * size)
      for index in 0..<count * size {
        let counts = space.input.indexCounts
        let column = counts.count > 1 ? index % size : 0
        values[index] = Int32(random.index(UInt64(index), below: counts[column]))
      }
    case .sparse: fillRows(count, perRow, random)
    }
  }

  deinit {
    inputs.deallocate()
    targets.deallocate()
  }

  private func fillRows(_ count: Int, _ perRow: Int, _ random: CounterRandom) {
    let size = space.input.count
    let rows = inputs.bindMemory(to: SparseRow.self, capacity: count)
    denseInputs = [Float](repeating: 0, count: count * size)
    for row in 0..<count {
      let values = entries.pointer + 2 * row * perRow
      let places = UnsafeMutableRawPointer(values + perRow).assumingMemoryBound(to: Int32.self)
      for entry in 0..<perRow {
        let number = UInt64(row * perRow + entry)
        let place = entry * Self.sparsity + random.index(number, below: Self.sparsity)
        places[entry] = Int32(min(place, size - 1))
        values[entry] = random.normal(1 << 32 + number)
        denseInputs[row * size + Int(places[entry])] += values[entry]
      }
      rows[row] = SparseRow(indices: places, values: values, count: perRow)
    }
  }
}
