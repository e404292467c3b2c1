import Basics
import Testing

@Suite struct BatchTests {
  @Test func aPartIsTheSameMemoryFurtherOn() {
    let indices: [Int32] = [0, 4, 7, 1, 2]
    let values: [Float] = [1, 2, 3, 4, 5]
    let targets: [Int32] = [0, 1, 0]
    let row = MemoryLayout<SparseRow>.stride
    indices.withUnsafeBufferPointer { indices in
      values.withUnsafeBufferPointer { values in
        let starts = [0, 3, 3, 5]
        let rows = (0..<3).map {
          SparseRow(
            indices: indices.baseAddress! + starts[$0], values: values.baseAddress! + starts[$0],
            count: starts[$0 + 1] - starts[$0])
        }
        rows.withUnsafeBytes { inputs in
          targets.withUnsafeBufferPointer { targets in
            let batch = Batch(
              count: 3, globalCount: 9, offset: 3, epoch: 2, step: 5,
              inputs: inputs.baseAddress!, targets: targets.baseAddress!)
            let part = batch.part(1..<3, bytesPerSample: row, targetsPerSample: 1)
            #expect(part.count == 2 && part.globalCount == 9 && part.offset == 4)
            #expect(part.epoch == 2 && part.step == 5)
            #expect(part.targets == targets.baseAddress! + 1)
            let there = part.inputs.assumingMemoryBound(to: SparseRow.self)
            #expect(there[0].count == 0 && there[1].count == 2)
            #expect(there[1].indices[1] == 2 && there[1].values[1] == 5)
          }
        }
      }
    }
  }
}
