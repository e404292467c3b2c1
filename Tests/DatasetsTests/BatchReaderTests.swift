import Basics
import Datasets
import Kernels
import Testing

/// Samples that are their own numbers, so that a batch tells which ones it holds.
private final class Numbers: Dataset, Sendable {
  let count: Int
  let sampleShape = Shape([2])
  let classes = 10
  let targetsPerSample = 1
  init(_ count: Int) { self.count = count }

  func read(
    _ indices: UnsafeBufferPointer<Int32>, inputs: UnsafeMutableRawPointer,
    targets: UnsafeMutablePointer<Int32>, context: ReadContext, kernels: KernelTable
  ) {
    let values = inputs.assumingMemoryBound(to: Float.self)
    for (place, index) in indices.enumerated() {
      values[2 * place] = Float(index)
      values[2 * place + 1] = -Float(index)
      targets[place] = index
    }
  }
}

@Suite struct BatchReaderTests {
  private func reader(
    _ count: Int, batch: Int, parts: Int, mine: Range<Int>, seed: UInt64? = 1
  ) -> BatchReader {
    BatchReader(
      Numbers(count), globalBatch: batch, parts: parts, mine: mine, seed: seed,
      kernels: KernelSelection.best)
  }

  private func samples(_ batch: Batch) -> [Int] {
    let inputs = batch.inputs.assumingMemoryBound(to: Float.self)
    return (0..<batch.count).map {
      #expect(Int(inputs[2 * $0]) == Int(batch.targets[$0]))
      #expect(inputs[2 * $0 + 1] == -inputs[2 * $0])
      return Int(batch.targets[$0])
    }
  }

  @Test(arguments: [1, 2, 3, 5, 8], [1, 7, 8, 64, 100, 1003, 5000])
  func everySampleIsReadOncePerEpochOverAllRanks(ranks: Int, batch: Int) {
    let count = 1003
    let readers = (0..<ranks).map { reader(count, batch: batch, parts: ranks, mine: $0..<$0 + 1) }
    let whole = reader(count, batch: batch, parts: 1, mine: 0..<1)
    var orders: [[Int]] = []
    for epoch in 0..<2 {
      var seen: [Int] = []
      for step in 0..<whole.cut.stepsPerEpoch {
        let shares = readers.map { $0.read(step: step, epoch: epoch) }
        let union = whole.read(step: step, epoch: epoch)
        #expect(shares.allSatisfy { $0.epoch == epoch && $0.step == step })
        // Shares lie one behind the other in the union batch, and differ by at most one.
        #expect(shares.allSatisfy { $0.globalCount == union.count })
        let ends = shares.map { $0.offset + $0.count }
        #expect(shares.map(\.offset) == [0] + ends.dropLast())
        let sizes = shares.map(\.count)
        #expect(sizes.max()! - sizes.min()! <= 1)
        #expect(zip(shares, readers).allSatisfy { $0.count <= $1.capacity })
        let joined = shares.flatMap(samples)
        #expect(joined == samples(union))
        seen += joined
      }
      #expect(seen.sorted() == Array(0..<count))
      orders.append(seen)
    }
    #expect(orders[0] != orders[1])
    #expect(orders[0] != Array(0..<count))
  }

  @Test func orderDependsOnSeedAndEpochAlone() {
    func order(seed: UInt64, epoch: Int, batch: Int) -> [Int] {
      let reader = reader(100, batch: batch, parts: 1, mine: 0..<1, seed: seed)
      return (0..<reader.cut.stepsPerEpoch).flatMap { samples(reader.read(step: $0, epoch: epoch)) }
    }
    #expect(order(seed: 1, epoch: 3, batch: 10) == order(seed: 1, epoch: 3, batch: 33))
    #expect(order(seed: 1, epoch: 3, batch: 10) != order(seed: 2, epoch: 3, batch: 10))
    // Epochs before it leave no trace.
    let permutations = EpochOrder(count: 100, seed: 1)
    for epoch in 0..<3 { _ = permutations.order(epoch: epoch) }
    #expect(permutations.order(epoch: 3).map(Int.init) == order(seed: 1, epoch: 3, batch: 10))
    // Steps may be read in any order: a resumed run starts in the middle of an epoch.
    let resumed = reader(100, batch: 10, parts: 1, mine: 0..<1)
    #expect(
      samples(resumed.read(step: 7, epoch: 3))
        == Array(order(seed: 1, epoch: 3, batch: 10)[70..<80])
    )
  }

  @Test func everyPermutationIsAboutEquallyLikely() {
    let order = EpochOrder(count: 4, seed: 9)
    var counts: [[Int32]: Int] = [:]
    for epoch in 0..<24_000 { counts[Array(order.order(epoch: epoch)), default: 0] += 1 }
    #expect(counts.count == 24)
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 150 })
  }

  @Test func lanesMakeUpTheRanksShare() {
    let lanes = 8
    for ranks in [1, 2, 3, 5, 8] {
      var union: [Int] = []
      for rank in 0..<ranks {
        let mine = BatchCut.share(of: 0..<lanes, parts: ranks, mine: rank..<rank + 1)
        let reader = reader(103, batch: 20, parts: lanes, mine: mine)
        let batch = reader.read(step: 5, epoch: 0)  // the short last one: 3 samples
        #expect(batch.globalCount == 3)
        let parts = mine.map { reader.part($0, of: batch) }
        #expect(parts.flatMap(samples) == samples(batch))
        #expect(parts.allSatisfy { $0.globalCount == 3 })
        union += parts.flatMap(samples)
      }
      let whole = reader(103, batch: 20, parts: 1, mine: 0..<1)
      #expect(union == samples(whole.read(step: 5, epoch: 0)))
    }
  }

  @Test func withoutASeedTheOrderIsTheDataSets() {
    var seen: [Int] = []
    let readers = (0..<3).map { reader(10, batch: 4, parts: 3, mine: $0..<$0 + 1, seed: nil) }
    for step in 0..<3 {
      for reader in readers { seen += samples(reader.read(step: step, epoch: step)) }
    }
    #expect(seen == Array(0..<10))
  }

  @Test func stepsFallIntoEpochs() {
    let cut = BatchCut(samples: 10, globalBatch: 4)
    #expect(cut.stepsPerEpoch == 3)
    #expect((0..<3).map(cut.slice) == [0..<4, 4..<8, 8..<10])
    #expect(cut.position(ofStep: 2) == (0, 2))
    #expect(cut.position(ofStep: 7) == (2, 1))
    #expect(BatchCut(samples: 10, globalBatch: 64).slice(step: 0) == 0..<10)
  }

  @Test func sharesOfNeighboursAreBalanced() {
    for count in 0...40 {
      for parts in 1...12 {
        for width in 1...parts {
          let sizes = (0...parts - width).map {
            BatchCut.share(of: 100..<100 + count, parts: parts, mine: $0..<$0 + width).count
          }
          #expect(sizes.max()! - sizes.min()! <= 1)
          #expect(sizes.max()! <= (count * width + parts - 1) / parts)
        }
        #expect(
          BatchCut.share(of: 100..<100 + count, parts: parts, mine: 0..<parts)
            == 100..<100 + count)
      }
    }
  }
}
