// Every rank opens the data itself, on its own node. Copies that differ (an old one, half a
// download) would make ranks disagree about the number of steps and wait for each other for ever,
// so their identities are compared before anything depends on them.

import Basics
import CZlib
import Datasets
import Kernels

/// What ranks compare of a data set: sizes, shape, and the bits of its first and last sample.
struct DataIdentity {
  private var numbers: [Double] = []

  init(of halves: [any Dataset], kernels: KernelTable) {
    for data in halves {
      let shape = data.sampleShape.dimensions.map { UInt32(truncatingIfNeeded: $0) }
      numbers += [
        Double(data.count), Double(data.classes), Double(data.sampleShape.count),
        Self.checksum(shape), Self.checksum(of: data, kernels),
      ]
    }
  }

  private static func checksum<Value: BitwiseCopyable>(_ values: [Value]) -> Double {
    values.withUnsafeBytes { bytes in
      Double(
        crc32(
          0, bytes.bindMemory(to: Bytef.self).baseAddress, uInt(truncatingIfNeeded: bytes.count))
      )
    }
  }

  private static func checksum(of data: any Dataset, _ kernels: KernelTable) -> Double {
    let ends: [Int32] = [0, Int32(data.count - 1)]
    let inputs = FloatBuffer(count: ends.count * data.sampleShape.count)
    var targets = [Int32](repeating: 0, count: ends.count * data.targetsPerSample)
    ends.withUnsafeBufferPointer { indices in
      targets.withUnsafeMutableBufferPointer {
        data.read(
          indices, inputs: inputs.pointer, targets: $0.baseAddress!, kernels: kernels)
      }
    }
    return checksum(Array(inputs.values)) + checksum(targets)
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
