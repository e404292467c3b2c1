// What the kernel tests share: the variants, guarded memory, and comparisons.

import Basics
import Foundation
import Kernels
import Testing

/// The vector variants that run here.
let vectorSets = KernelSelection.available.filter { $0 != .scalar }

/// The kernels of a set that `vectorSets` holds.
func kernels(_ set: InstructionSet) throws -> KernelTable {
  try #require(KernelSelection.table(for: set))
}

/// Deterministic numbers (SplitMix64).
struct Numbers {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 }

  mutating func bits() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Evenly distributed in -1..<1.
  mutating func float() -> Float { Float(bits() >> 40) / 8_388_608 - 1 }

  mutating func int(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(bits() % UInt64(range.count))
  }
}

/// `count` floats at an address that is no multiple of 64, between guard floats that nobody may
/// touch.
final class Guarded {
  private static let margin = 37
  private static let mark: Float = -12_345.678
  private let buffer: FloatBuffer
  let count: Int

  /// Random numbers in -1..<1.
  init(_ count: Int, _ numbers: inout Numbers) {
    self.count = count
    buffer = FloatBuffer(count: count + 2 * Self.margin)
    buffer.pointer.update(repeating: Self.mark, count: buffer.count)
    // `for` over a range is slow in debug builds.
    var (to, rest) = (out, count)
    while rest > 0 {
      to.pointee = numbers.float()
      to += 1
      rest -= 1
    }
  }

  /// `count` times `value`.
  init(_ count: Int, filledWith value: Float = .nan) {
    self.count = count
    buffer = FloatBuffer(count: count + 2 * Self.margin)
    buffer.pointer.update(repeating: Self.mark, count: buffer.count)
    out.update(repeating: value, count: count)
  }

  var out: FloatsOut { buffer.pointer + Self.margin }
  var values: FloatsIn { FloatsIn(out) }
  subscript(_ i: Int) -> Float {
    get { out[i] }
    set { out[i] = newValue }
  }

  func copy() -> Guarded {
    let other = Guarded(count)
    other.out.update(from: out, count: count)
    return other
  }

  /// A copy of `count` floats from `first` on.
  func part(_ first: Int, _ count: Int) -> Guarded {
    let other = Guarded(count)
    other.out.update(from: out + first, count: count)
    return other
  }

  /// Whether the guards still stand.
  var intact: Bool {
    (0..<Self.margin).allSatisfy {
      buffer[$0] == Self.mark && buffer[Self.margin + count + $0] == Self.mark
    }
  }
}

/// Largest difference, relative to the larger of 1 and the expected magnitude; infinite where only
/// one is NaN.
func distance(_ a: Guarded, _ expected: Guarded) -> Float {
  precondition(a.count == expected.count)
  var (largest, i) = (Float(0), 0)
  let (p, q) = (a.values, expected.values)
  while i < a.count {
    let (x, y) = (p[i], q[i])
    i += 1
    if x.isNaN != y.isNaN { return .infinity }
    if x == y || x.isNaN { continue }
    largest = max(largest, abs(x - y) / max(1, abs(y)))
  }
  return largest
}

/// Largest difference relative to the largest expected magnitude; infinite where one is NaN.
func relativeError(_ a: Guarded, _ expected: Guarded) -> Float {
  var (error, largest, i) = (Float(0), Float(0), 0)
  let (p, q) = (a.values, expected.values)
  while i < a.count {
    let difference = abs(p[i] - q[i])
    if difference.isNaN { return .infinity }
    error = max(error, difference)
    largest = max(largest, abs(q[i]))
    i += 1
  }
  return error == 0 ? 0 : error / largest
}

/// Whether two results are equal bit for bit.
func identical(_ a: Guarded, _ b: Guarded) -> Bool {
  a.count == b.count && memcmp(a.out, b.out, 4 * a.count) == 0
}

/// `count` bytes between guards.
final class GuardedBytes {
  private static let margin = 21
  private let memory: UnsafeMutablePointer<UInt8>
  let count: Int

  init(_ count: Int) {
    self.count = count
    memory = .allocate(capacity: count + 2 * Self.margin)
    memory.initialize(repeating: 0xA5, count: count + 2 * Self.margin)
  }

  deinit { memory.deallocate() }

  var out: UnsafeMutablePointer<UInt8> { memory + Self.margin }
  var intact: Bool {
    (0..<Self.margin).allSatisfy {
      memory[$0] == 0xA5 && memory[Self.margin + count + $0] == 0xA5
    }
  }
}

/// The passes of one convolution, with their memory between guards.
struct ConvolutionCalls {
  let table: KernelTable
  let shape: ConvolutionShape
  private let prepared: Guarded
  private let scratch: Guarded

  init(_ table: KernelTable, _ shape: ConvolutionShape) {
    (self.table, self.shape) = (table, shape)
    prepared = Guarded(
      max(
        table.convolutionPreparedCount(shape, .forward),
        table.convolutionPreparedCount(shape, .backwardData)))
    scratch = Guarded(table.convolutionScratch(shape))
  }

  private init(_ other: ConvolutionCalls, _ shape: ConvolutionShape) {
    (table, prepared, scratch) = (other.table, other.prepared, other.scratch)
    self.shape = shape
  }

  /// The same memory for fewer images.
  func with(_ images: Int) -> ConvolutionCalls {
    var shape = shape
    shape.batch = images
    return ConvolutionCalls(self, shape)
  }

  /// Whether the guards still stand.
  var intact: Bool { prepared.intact && scratch.intact }

  func forward(_ x: Guarded, _ w: Guarded, bias: Guarded?, relu: Bool, y: Guarded) {
    prepare(.forward, w)
    table.convolutionForward(
      shape, x: x.values, w: w.values, prepared: prepared.values, bias: bias?.values, relu: relu,
      y: y.out, scratch: scratch.out)
  }

  func backwardData(_ dy: Guarded, _ w: Guarded, dx: Guarded, add: Bool) {
    prepare(.backwardData, w)
    table.convolutionBackwardData(
      shape, dy: dy.values, w: w.values, prepared: prepared.values, dx: dx.out, add: add,
      scratch: scratch.out)
  }

  func backwardWeights(_ x: Guarded, _ dy: Guarded, dw: Guarded, dbias: Guarded?, add: Bool) {
    table.convolutionBackwardWeights(
      shape, x: x.values, dy: dy.values, dw: dw.out, dbias: dbias?.out, add: add,
      scratch: scratch.out)
  }

  private func prepare(_ direction: ConvolutionDirection, _ w: Guarded) {
    table.convolutionPrepare(
      shape, direction, w: w.values, prepared: prepared.out, scratch: scratch.out)
  }
}
