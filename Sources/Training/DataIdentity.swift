// Every rank opens the data itself, on its own node. Copies that differ (an old one, half a
// download) would make ranks disagree about the number of steps and wait for each other for ever,
// so their identities are compared before anything depends on them.

import Basics
import CZlib
import Datasets
import Kernels

/// What ranks compare of a data set: sizes, shape, what its numbers stand for, and the bits of its
/// first and last sample.
struct DataIdentity {
  private var numbers: [Double] = []

  init(of halves: [any Dataset], kernels: KernelTable) {
    for data in halves {
      let shape = data.sampleShape
      let sizes =
        [data.count, data.classes, data.targetsPerSample] + data.indexCounts + shape.dimensions
        + data.coding.numberings.map(\.identity)
      let kinds = shape.element.rawValue + data.targets.rawValue
      numbers += [
        Double(data.count), sizes.withUnsafeBytes { Double(Self.checksum($0)) },
        Array(kinds.utf8).withUnsafeBytes { Double(Self.checksum($0)) },
        Double(Self.checksum(of: data, kernels)),
      ]
    }
  }

  private static func checksum(_ bytes: UnsafeRawBufferPointer, after sum: UInt = 0) -> UInt {
    crc32_z(sum, bytes.bindMemory(to: Bytef.self).baseAddress, bytes.count)
  }

  /// Of the samples themselves: a sparse row's entries, not their addresses.
  private static func checksum(of data: any Dataset, _ kernels: KernelTable) -> UInt {
    let ends: [Int32] = [0, Int32(data.count - 1)]
    let inputs = UnsafeMutableRawBufferPointer.allocate(
      byteCount: ends.count * data.sampleShape.bytesPerSample, alignment: 64)
    defer { inputs.deallocate() }
    var targets = [Int32](repeating: 0, count: ends.count * data.targetsPerSample)
    ends.withUnsafeBufferPointer { indices in
      data.read(
        indices, inputs: inputs.baseAddress!, targets: &targets, context: ReadContext(),
        kernels: kernels)
    }
    let sum = targets.withUnsafeBytes { checksum($0) }
    guard data.sampleShape.element == .sparse else {
      return checksum(UnsafeRawBufferPointer(inputs), after: sum)
    }
    return inputs.bindMemory(to: SparseRow.self).reduce(sum) { sum, row in
      let indices = UnsafeBufferPointer(start: row.indices, count: row.count)
      let values = UnsafeBufferPointer(start: row.values, count: row.count)
      let first = checksum(UnsafeRawBufferPointer(indices), after: sum)
      return checksum(UnsafeRawBufferPointer(values), after: first)
    }
  }

  /// Throws on all ranks where identities differ; `name` is what the user called the data.
  func check(_ name: String, _ agreement: Agreement) throws {
    var lowest = numbers, highest = numbers
    try agreement.reduce(&lowest, .minimum)
    try agreement.reduce(&highest, .maximum)
    try agreement.agree {
      guard lowest != highest else { return }
      let counts =
        lowest[0] == highest[0] ? "" : " (\(Int(lowest[0])) to \(Int(highest[0])) samples)"
      throw DataError(
        path: name,
        problem: "ranks have different data under this name\(counts);"
          + " give every node the same files")
    }
  }
}
