// Where values wait on their way: those that arrive, until they are added; and, with a 16-bit wire
// format, all that is sent or received, encoded.

import Basics
import Kernels

/// A runner's memory for values in the wire format. Places count elements.
struct StagingMemory {
  private let wire: WireFormat
  private let kernels: KernelTable
  private let buffer: FloatBuffer
  /// The same memory, where the wire format has 16 bits; it is used as nothing else then.
  private let shorts: ShortsOut?

  /// Elements that are rounded at a time: they stay in the first-level cache.
  private static let chunk = 2048

  init(count: Int, wire: WireFormat, kernels: KernelTable) {
    (self.wire, self.kernels) = (wire, kernels)
    let stride = MemoryLayout<Float>.stride
    let count = wire.short == nil ? count : max(count, Self.chunk)
    let floats = (count * wire.bytesPerElement + stride - 1) / stride
    buffer = FloatBuffer(count: floats)
    shorts =
      wire.short == nil
      ? nil : UnsafeMutableRawPointer(buffer.pointer).bindMemory(to: UInt16.self, capacity: count)
  }

  /// The bytes of so many elements.
  func bytes(_ place: Int, count: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: UnsafeMutableRawPointer(buffer.pointer) + place * wire.bytesPerElement,
      count: count * wire.bytesPerElement)
  }

  /// Rounds `values` in place and puts their 16-bit form here; the number of finite values that
  /// became infinite.
  func encode(_ values: FloatsOut, count: Int, at place: Int) -> Int {
    guard let short = wire.short, let shorts else {
      preconditionFailure("float32 is sent from its place")
    }
    return kernels.encode(short, count, x: values, y: shorts + place)
  }

  /// Rounds `values` in place, when nothing is on its way any more; the number of finite values that
  /// became infinite.
  func round(_ values: FloatsOut, count: Int) -> Int {
    var overflows = 0
    for start in stride(from: 0, to: count, by: Self.chunk) {
      overflows += encode(values + start, count: min(Self.chunk, count - start), at: 0)
    }
    return overflows
  }

  /// Adds or copies what has arrived here.
  func take(_ place: Int, count: Int, _ arrival: Arrival, into target: FloatsOut) {
    let floats = FloatsIn(buffer.pointer)
    switch (arrival, wire.short, shorts) {
    case (.add, let short?, let shorts?):
      kernels.decodeAdd(short, count, x: shorts + place, y: target)
    case (.copy, let short?, let shorts?):
      kernels.decode(short, count, x: shorts + place, y: target)
    case (.add, _, _): kernels.add(count, x: floats + place, y: target)
    case (.copy, _, _): target.update(from: floats + place, count: count)
    }
  }
}
