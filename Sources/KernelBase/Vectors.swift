// The vectors that kernels are written in: `Wide` is two registers, which is what the register tile
// wants per row, `Half` is one. Generic code reaches their arithmetic through `Vector`, because the
// standard library's generic operators are loops over lanes.

import CSIMD
import KernelABI

#if KERNEL_AVX512
  typealias Wide = SIMD32<Float>
  typealias Half = SIMD16<Float>
  typealias WideIntegers = SIMD32<Int32>
  typealias HalfIntegers = SIMD16<Int32>
  typealias WideBytes = SIMD32<UInt8>
  typealias HalfBytes = SIMD16<UInt8>
  typealias WideShorts = SIMD32<UInt16>
  typealias HalfCounters = SIMD16<UInt32>
  /// Rows of the largest register tile: 24 of 32 registers hold sums.
  @inline(__always) var tileRows: Int { 12 }
#elseif KERNEL_AVX2
  typealias Wide = SIMD16<Float>
  typealias Half = SIMD8<Float>
  typealias WideIntegers = SIMD16<Int32>
  typealias HalfIntegers = SIMD8<Int32>
  typealias WideBytes = SIMD16<UInt8>
  typealias HalfBytes = SIMD8<UInt8>
  typealias WideShorts = SIMD16<UInt16>
  typealias HalfCounters = SIMD8<UInt32>
  /// Rows of the largest register tile: 12 of 16 registers hold sums.
  @inline(__always) var tileRows: Int { 6 }
#else
  typealias Wide = SIMD8<Float>
  typealias Half = SIMD4<Float>
  typealias WideIntegers = SIMD8<Int32>
  typealias HalfIntegers = SIMD4<Int32>
  typealias WideBytes = SIMD8<UInt8>
  typealias HalfBytes = SIMD4<UInt8>
  typealias WideShorts = SIMD8<UInt16>
  typealias HalfCounters = SIMD4<UInt32>
  /// Rows of the largest register tile: 12 of 16 registers hold sums.
  @inline(__always) var tileRows: Int { 6 }
#endif

/// Lanes of `Wide` and `Half`.
@inline(__always) var wide: Int { MemoryLayout<Wide>.size / 4 }
@inline(__always) var half: Int { MemoryLayout<Half>.size / 4 }

/// What functions need: they are written once for vectors of one register, two and more.
protocol Arithmetic: BitwiseCopyable {
  init()
  init(repeating value: Float)
  static func fma(_ a: Float, _ b: Self, _ c: Self) -> Self
  static func fma(_ a: Self, _ b: Self, _ c: Self) -> Self
  static func add(_ a: Self, _ b: Self) -> Self
  static func subtract(_ a: Self, _ b: Self) -> Self
  static func multiply(_ a: Self, _ b: Self) -> Self
  static func divide(_ a: Self, _ b: Self) -> Self
  /// The second operand where either is NaN.
  static func max(_ a: Self, _ b: Self) -> Self
  static func min(_ a: Self, _ b: Self) -> Self
  /// 2^n, for the integer n in the low bits of a float.
  static func twoToThe(_ a: Self) -> Self
}

/// What generic kernels need of a vector of floats beside that.
protocol Vector: Arithmetic {
  /// `value` where the gate is positive, else 0.
  static func keep(_ value: Self, where gate: Self) -> Self
  /// The first `count` floats, zeros beyond.
  static func load(_ p: FloatsIn, _ count: Int) -> Self
  /// Writes the first `count` floats.
  func store(_ p: FloatsOut, _ count: Int)
}

extension Vector {
  /// Number of floats.
  @inline(__always) static var lanes: Int { MemoryLayout<Self>.size / 4 }
  /// All lanes, from any address.
  @inline(__always)
  static func load(_ p: FloatsIn) -> Self { UnsafeRawPointer(p).loadUnaligned(as: Self.self) }
  /// All lanes, to any address.
  @inline(__always)
  func store(_ p: FloatsOut) { UnsafeMutableRawPointer(p).storeBytes(of: self, as: Self.self) }
}

extension UnsafePointer where Pointee == Float {
  /// The wide vector that starts here.
  @inline(__always) var wide: Wide { Wide.load(self) }
  /// The half vector that starts here.
  @inline(__always) var half: Half { Half.load(self) }
}

extension UnsafeMutablePointer where Pointee == Float {
  /// The wide vector that starts here.
  @inline(__always) var wide: Wide {
    get { Wide.load(FloatsIn(self)) }
    nonmutating set { newValue.store(self) }
  }
}

// Twice the same words: each calls C functions for a width of its own.

extension Wide: Arithmetic, Vector {
  @inline(__always)
  static func fma(_ a: Float, _ b: Self, _ c: Self) -> Self { csimd_fma(a, b, c) }
  @inline(__always)
  static func fma(_ a: Self, _ b: Self, _ c: Self) -> Self { csimd_fma(a, b, c) }
  @inline(__always)
  static func add(_ a: Self, _ b: Self) -> Self { csimd_add(a, b) }
  @inline(__always)
  static func subtract(_ a: Self, _ b: Self) -> Self { csimd_subtract(a, b) }
  @inline(__always)
  static func multiply(_ a: Self, _ b: Self) -> Self { csimd_multiply(a, b) }
  @inline(__always)
  static func divide(_ a: Self, _ b: Self) -> Self { csimd_divide(a, b) }
  @inline(__always)
  static func max(_ a: Self, _ b: Self) -> Self { csimd_max(a, b) }
  @inline(__always)
  static func min(_ a: Self, _ b: Self) -> Self { csimd_min(a, b) }
  @inline(__always)
  static func twoToThe(_ a: Self) -> Self { csimd_two_to_the(a) }
  @inline(__always)
  static func keep(_ value: Self, where gate: Self) -> Self {
    csimd_select(csimd_greater(gate, Self()), value, Self())
  }
  @inline(__always)
  static func load(_ p: FloatsIn, _ count: Int) -> Self { csimd_load(p, count, Self()) }
  @inline(__always)
  func store(_ p: FloatsOut, _ count: Int) { csimd_store(p, count, self) }
}

extension Half: Arithmetic, Vector {
  @inline(__always)
  static func fma(_ a: Float, _ b: Self, _ c: Self) -> Self { csimd_fma(a, b, c) }
  @inline(__always)
  static func fma(_ a: Self, _ b: Self, _ c: Self) -> Self { csimd_fma(a, b, c) }
  @inline(__always)
  static func add(_ a: Self, _ b: Self) -> Self { csimd_add(a, b) }
  @inline(__always)
  static func subtract(_ a: Self, _ b: Self) -> Self { csimd_subtract(a, b) }
  @inline(__always)
  static func multiply(_ a: Self, _ b: Self) -> Self { csimd_multiply(a, b) }
  @inline(__always)
  static func divide(_ a: Self, _ b: Self) -> Self { csimd_divide(a, b) }
  @inline(__always)
  static func max(_ a: Self, _ b: Self) -> Self { csimd_max(a, b) }
  @inline(__always)
  static func min(_ a: Self, _ b: Self) -> Self { csimd_min(a, b) }
  @inline(__always)
  static func twoToThe(_ a: Self) -> Self { csimd_two_to_the(a) }
  @inline(__always)
  static func keep(_ value: Self, where gate: Self) -> Self {
    csimd_select(csimd_greater(gate, Self()), value, Self())
  }
  @inline(__always)
  static func load(_ p: FloatsIn, _ count: Int) -> Self { csimd_load(p, count, Self()) }
  @inline(__always)
  func store(_ p: FloatsOut, _ count: Int) { csimd_store(p, count, self) }
}
