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
  /// Rows of the largest register tile: 24 of 32 registers hold sums.
  @inline(__always) var tileRows: Int { 12 }
#elseif KERNEL_AVX2
  typealias Wide = SIMD16<Float>
  typealias Half = SIMD8<Float>
  typealias WideIntegers = SIMD16<Int32>
  typealias HalfIntegers = SIMD8<Int32>
  typealias WideBytes = SIMD16<UInt8>
  typealias HalfBytes = SIMD8<UInt8>
  /// Rows of the largest register tile: 12 of 16 registers hold sums.
  @inline(__always) var tileRows: Int { 6 }
#else
  typealias Wide = SIMD8<Float>
  typealias Half = SIMD4<Float>
  typealias WideIntegers = SIMD8<Int32>
  typealias HalfIntegers = SIMD4<Int32>
  typealias WideBytes = SIMD8<UInt8>
  typealias HalfBytes = SIMD4<UInt8>
  /// Rows of the largest register tile: 12 of 16 registers hold sums.
  @inline(__always) var tileRows: Int { 6 }
#endif

/// Lanes of `Wide` and `Half`.
@inline(__always) var wide: Int { MemoryLayout<Wide>.size / 4 }
@inline(__always) var half: Int { MemoryLayout<Half>.size / 4 }

/// What generic kernels need of a vector of floats.
protocol Vector: BitwiseCopyable {
  init()
  static func fma(_ a: Float, _ b: Self, _ c: Self) -> Self
  static func fma(_ a: Self, _ b: Self, _ c: Self) -> Self
  static func add(_ a: Self, _ b: Self) -> Self
  static func subtract(_ a: Self, _ b: Self) -> Self
  /// `value` where the gate is positive, else 0.
  static func keep(_ value: Self, where gate: Self) -> Self
  /// The second operand where either is NaN.
  static func max(_ a: Self, _ b: Self) -> Self
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

#if KERNEL_AVX512
  extension SIMD32: Vector where Scalar == Float {
    @inline(__always)
    static func fma(_ a: Float, _ b: Self, _ c: Self) -> Self { csimd_fma(a, b, c) }
    @inline(__always)
    static func fma(_ a: Self, _ b: Self, _ c: Self) -> Self { csimd_fma(a, b, c) }
    @inline(__always)
    static func add(_ a: Self, _ b: Self) -> Self { csimd_add(a, b) }
    @inline(__always)
    static func subtract(_ a: Self, _ b: Self) -> Self { csimd_subtract(a, b) }
    @inline(__always)
    static func keep(_ value: Self, where gate: Self) -> Self {
      csimd_select(csimd_greater(gate, Self()), value, Self())
    }
    @inline(__always)
    static func max(_ a: Self, _ b: Self) -> Self { csimd_max(a, b) }
    @inline(__always)
    static func load(_ p: FloatsIn, _ count: Int) -> Self { csimd_load_32(p, count) }
    @inline(__always)
    func store(_ p: FloatsOut, _ count: Int) { csimd_store(p, count, self) }
  }
#endif

#if KERNEL_AVX512 || KERNEL_AVX2
  extension SIMD16: Vector where Scalar == Float {
    @inline(__always)
    static func fma(_ a: Float, _ b: Self, _ c: Self) -> Self { csimd_fma(a, b, c) }
    @inline(__always)
    static func fma(_ a: Self, _ b: Self, _ c: Self) -> Self { csimd_fma(a, b, c) }
    @inline(__always)
    static func add(_ a: Self, _ b: Self) -> Self { csimd_add(a, b) }
    @inline(__always)
    static func subtract(_ a: Self, _ b: Self) -> Self { csimd_subtract(a, b) }
    @inline(__always)
    static func keep(_ value: Self, where gate: Self) -> Self {
      csimd_select(csimd_greater(gate, Self()), value, Self())
    }
    @inline(__always)
    static func max(_ a: Self, _ b: Self) -> Self { csimd_max(a, b) }
    @inline(__always)
    static func load(_ p: FloatsIn, _ count: Int) -> Self { csimd_load_16(p, count) }
    @inline(__always)
    func store(_ p: FloatsOut, _ count: Int) { csimd_store(p, count, self) }
  }
#endif

#if !KERNEL_AVX512
  extension SIMD8: Vector where Scalar == Float {
    @inline(__always)
    static func fma(_ a: Float, _ b: Self, _ c: Self) -> Self { csimd_fma(a, b, c) }
    @inline(__always)
    static func fma(_ a: Self, _ b: Self, _ c: Self) -> Self { csimd_fma(a, b, c) }
    @inline(__always)
    static func add(_ a: Self, _ b: Self) -> Self { csimd_add(a, b) }
    @inline(__always)
    static func subtract(_ a: Self, _ b: Self) -> Self { csimd_subtract(a, b) }
    @inline(__always)
    static func keep(_ value: Self, where gate: Self) -> Self {
      csimd_select(csimd_greater(gate, Self()), value, Self())
    }
    @inline(__always)
    static func max(_ a: Self, _ b: Self) -> Self { csimd_max(a, b) }
    @inline(__always)
    static func load(_ p: FloatsIn, _ count: Int) -> Self { csimd_load_8(p, count) }
    @inline(__always)
    func store(_ p: FloatsOut, _ count: Int) { csimd_store(p, count, self) }
  }
#endif

#if !KERNEL_AVX512 && !KERNEL_AVX2
  extension SIMD4: Vector where Scalar == Float {
    @inline(__always)
    static func fma(_ a: Float, _ b: Self, _ c: Self) -> Self { csimd_fma(a, b, c) }
    @inline(__always)
    static func fma(_ a: Self, _ b: Self, _ c: Self) -> Self { csimd_fma(a, b, c) }
    @inline(__always)
    static func add(_ a: Self, _ b: Self) -> Self { csimd_add(a, b) }
    @inline(__always)
    static func subtract(_ a: Self, _ b: Self) -> Self { csimd_subtract(a, b) }
    @inline(__always)
    static func keep(_ value: Self, where gate: Self) -> Self {
      csimd_select(csimd_greater(gate, Self()), value, Self())
    }
    @inline(__always)
    static func max(_ a: Self, _ b: Self) -> Self { csimd_max(a, b) }
    @inline(__always)
    static func load(_ p: FloatsIn, _ count: Int) -> Self { csimd_load_4(p, count) }
    @inline(__always)
    func store(_ p: FloatsOut, _ count: Int) { csimd_store(p, count, self) }
  }
#endif
