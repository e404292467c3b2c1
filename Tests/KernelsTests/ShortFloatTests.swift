// 16-bit floats against their definition: a format is the list of its values, and rounding is a
// search for the nearest one.

import Foundation
import Kernels
import Testing

/// A format, slowly.
private struct Definition: Sendable {
  let fractionBits: Int
  let exponentBits: Int
  /// Values of the bits 0, 1, 2, ... up to where infinity would lie if it were a number.
  let values: [Double]

  init(_ format: ShortFloat) {
    (exponentBits, fractionBits) = format == .bfloat16 ? (8, 7) : (5, 10)
    let (fractions, bias) = (1 << fractionBits, (1 << (exponentBits - 1)) - 1)
    values = (0...(fractions * ((1 << exponentBits) - 1))).map { bits in
      let (exponent, fraction) = (bits / fractions, bits % fractions)
      let significand = exponent == 0 ? fraction : fraction + fractions
      return scalbn(Double(significand), max(exponent, 1) - bias - fractions.trailingZeroBitCount)
    }
  }

  var infinity: Int { values.count - 1 }

  /// What the bits stand for, as the bits of a float; nil where it is not a number.
  func decoded(_ bits: UInt16) -> UInt32? {
    let (magnitude, sign) = (Int(bits & 0x7fff), UInt32(bits & 0x8000) << 16)
    if magnitude > infinity { return nil }
    return sign | (magnitude == infinity ? Float.infinity : Float(values[magnitude])).bitPattern
  }

  /// Bits of the nearest value, the even one of two; nil for NaN.
  func encoded(_ x: Float) -> UInt16? {
    if x.isNaN { return nil }
    let (magnitude, sign) = (Double(abs(x)), UInt16(x.bitPattern >> 16) & 0x8000)
    var (low, high) = (0, infinity)  // values[low] <= magnitude
    while low < high {
      let middle = (low + high + 1) / 2
      if values[middle] <= magnitude { low = middle } else { high = middle - 1 }
    }
    if low < infinity {
      let (below, above) = (magnitude - values[low], values[low + 1] - magnitude)
      if above < below || above == below && low % 2 == 1 { low += 1 }
    }
    return sign | UInt16(low)
  }
}

/// Numbers that are hard to round, of both signs.
private func hardNumbers(_ definition: Definition) -> [Float] {
  var result: [Float] = [0, .infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude]
  result += [.leastNormalMagnitude, 65_504, 65_519.996, 65_520, 65_520.004, 65_536]
  result += [0x1p-25, Float(0x1p-25).nextUp, Float(0x1p-25).nextDown, 0x1.8p-24, 0x1p-14]
  for bits in stride(from: 0, to: definition.infinity, by: 11) {
    let value = Float(definition.values[bits])
    let tie = Float((definition.values[bits] + definition.values[bits + 1]) / 2)
    result += [value, value.nextUp, value.nextDown, tie, tie.nextUp, tie.nextDown]
  }
  for bits in definition.infinity - 3..<definition.infinity {
    let tie = Float((definition.values[bits] + definition.values[bits + 1]) / 2)
    result += [tie, tie.nextUp, tie.nextDown]
  }
  var numbers = Numbers(51)
  for _ in 0..<20_000 {
    let x = Float(bitPattern: UInt32(truncatingIfNeeded: numbers.bits()))
    if !x.isNaN { result.append(x) }
  }
  return result + result.map(-)
}

/// Numbers, and what becomes of each: bits of the format, bits of the rounded float.
private struct Rounding: Sendable {
  let numbers: [Float]
  let bits: [UInt16]
  let rounded: [UInt32]
  let overflows: Int

  init(_ format: ShortFloat) {
    let definition = Definition(format)
    numbers = hardNumbers(definition)
    bits = numbers.map { definition.encoded($0) ?? 0 }
    rounded = bits.map { definition.decoded($0) ?? 0 }
    overflows = zip(numbers, bits).count {
      $0.isFinite && Int($1 & 0x7fff) == definition.infinity
    }
  }
}

/// Calls `body` in a thread of its own that flushes denormals.
private func flushingDenormals(_ body: @escaping @Sendable () -> Int) -> Int {
  final class Outcome: @unchecked Sendable { var value = -1 }
  let (outcome, done) = (Outcome(), DispatchSemaphore(value: 0))
  Thread {
    Denormals.flush()
    outcome.value = body()
    done.signal()
  }.start()
  done.wait()
  return outcome.value
}

@Suite struct ShortFloatTests {
  static let cases = KernelSelection.available.flatMap { set in
    ShortFloat.allCases.map { (set, $0) }
  }
  private static let roundings = Dictionary(
    uniqueKeysWithValues: ShortFloat.allCases.map { ($0, Rounding($0)) })

  @Test(arguments: cases) func everyNumberIsDecoded(_ set: InstructionSet, _ format: ShortFloat)
    throws
  {
    let table = try kernels(set)
    let definition = Definition(format)
    let bits = (0...UInt16.max).map { $0 }
    let (copied, added) = (Guarded(bits.count), Guarded(bits.count, filledWith: 1))
    bits.withUnsafeBufferPointer {
      table.decode(format, bits.count, x: $0.baseAddress!, y: copied.out)
      table.decodeAdd(format, bits.count, x: $0.baseAddress!, y: added.out)
    }
    var wrong = 0
    for (index, bits) in bits.enumerated() {
      if let expected = definition.decoded(bits) {
        if copied[index].bitPattern != expected { wrong += 1 }
        if added[index] != 1 + Float(bitPattern: expected) { wrong += 1 }
      } else if !copied[index].isNaN || !added[index].isNaN {
        wrong += 1
      }
    }
    #expect(wrong == 0 && copied.intact && added.intact)
  }

  @Test(arguments: cases) func everyNumberIsRounded(_ set: InstructionSet, _ format: ShortFloat)
    throws
  {
    let table = try kernels(set)
    let wanted = try #require(Self.roundings[format])
    @Sendable func wrong() -> Int {
      let count = wanted.numbers.count
      let values = Guarded(count)
      for (index, number) in wanted.numbers.enumerated() { values[index] = number }
      var bits = [UInt16](repeating: 0, count: count)
      let overflows = bits.withUnsafeMutableBufferPointer {
        table.encode(format, count, x: values.out, y: $0.baseAddress!)
      }
      let wrong = (0..<count).count {
        bits[$0] != wanted.bits[$0] || values[$0].bitPattern != wanted.rounded[$0]
      }
      return wrong + abs(wanted.overflows - overflows) + (values.intact ? 0 : 1)
    }
    #expect(wanted.overflows > 5)
    #expect(wrong() == 0)
    #expect(flushingDenormals(wrong) == 0, "with denormals flushed")
  }

  /// Every variant must give the very bits: ranks may differ in theirs.
  @Test(arguments: cases) func notANumberStaysThat(_ set: InstructionSet, _ format: ShortFloat)
    throws
  {
    let patterns: [UInt32] = [
      0x7f80_0001, 0x7f80_2000, 0x7fbf_ffff, 0x7fc0_0000, 0x7fff_ffff, 0xff80_0001, 0xffff_ffff,
      0x7fff_8000, 0x7f81_2345, 0xffc1_2345,
    ]
    func encoded(_ table: KernelTable) -> [UInt16] {
      let values = Guarded(patterns.count)
      for (index, bits) in patterns.enumerated() { values[index] = Float(bitPattern: bits) }
      var bits = [UInt16](repeating: 0, count: patterns.count)
      let overflows = bits.withUnsafeMutableBufferPointer {
        table.encode(format, patterns.count, x: values.out, y: $0.baseAddress!)
      }
      #expect(overflows == 0)
      for index in patterns.indices {
        #expect(values[index].isNaN && !values[index].isSignalingNaN)
      }
      return bits
    }
    #expect(encoded(try kernels(set)) == encoded(ScalarKernels.self))
  }

  @Test(arguments: cases) func anyLengthWithinBounds(_ set: InstructionSet, _ format: ShortFloat)
    throws
  {
    let table = try kernels(set)
    var numbers = Numbers(52)
    for count in VectorTests.counts {
      let values = Guarded(count, &numbers)
      if count > 1 { values[count - 1] = format == .float16 ? -7e4 : -3.4e38 }
      let (rounded, reference) = (values.copy(), values.copy())
      let (bits, expected) = (GuardedBytes(2 * count + 1), GuardedBytes(2 * count + 1))
      func shorts(_ bytes: GuardedBytes) -> ShortsOut {
        UnsafeMutableRawPointer(bytes.out + 1).assumingMemoryBound(to: UInt16.self)
      }
      let overflows = table.encode(format, count, x: rounded.out, y: shorts(bits))
      _ = ScalarKernels.encode(format, count, x: reference.out, y: shorts(expected))
      #expect(overflows == (count > 1 ? 1 : 0))
      #expect(identical(rounded, reference) && rounded.intact && bits.intact)
      #expect((1..<2 * count + 1).allSatisfy { bits.out[$0] == expected.out[$0] })
      let (copied, added) = (Guarded(count), values.copy())
      table.decode(format, count, x: shorts(bits), y: copied.out)
      table.decodeAdd(format, count, x: shorts(bits), y: added.out)
      let sum = values.copy()
      ScalarKernels.add(count, x: rounded.values, y: sum.out)
      #expect(identical(copied, rounded) && identical(added, sum))
      #expect(copied.intact && added.intact)
    }
  }
}
