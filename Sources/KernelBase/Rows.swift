// One row of a panel, or two side by side. A function of 15 dependent instructions keeps the
// processor's queue full of waiting ones; with two rows, four registers take turns.

import CSIMD
import KernelABI

/// One row or two.
protocol Rows: Arithmetic {
  /// How many.
  static var rows: Int { get }
  /// Row i is `row(i)`.
  init(_ row: (Int) -> Wide)
  /// Calls `body` with the number of each row, and the row.
  func forEach(_ body: (Int, Wide) -> Void)
}

extension Rows {
  /// Rows from `row` on.
  @inline(__always)
  static func load(_ panel: FloatsIn, row: Int) -> Self {
    Self { (panel + (row &+ $0) &* wide).wide }
  }
  /// Writes rows from `row` on.
  @inline(__always)
  func store(_ panel: FloatsOut, row: Int) {
    forEach { (panel + (row &+ $0) &* wide).wide = $1 }
  }
}

/// Calls `two` for pairs of rows, then `one` for the last of an odd number.
@inline(__always)
func forEachRows(_ count: Int, _ two: (Int) -> Void, _ one: (Int) -> Void) {
  var row = 0
  while row &+ 2 <= count {
    two(row)
    row &+= 2
  }
  if row < count { one(row) }
}

extension Wide: Rows {
  @inline(__always) static var rows: Int { 1 }
  @inline(__always)
  init(_ row: (Int) -> Wide) { self = row(0) }
  @inline(__always)
  func forEach(_ body: (Int, Wide) -> Void) { body(0, self) }
}

/// Two rows.
struct TwoRows: Rows {
  private var first, second: Wide

  @inline(__always)
  init() { self.init(repeating: 0) }
  @inline(__always)
  init(repeating value: Float) {
    (first, second) = (Wide(repeating: value), Wide(repeating: value))
  }
  @inline(__always)
  init(_ row: (Int) -> Wide) { (first, second) = (row(0), row(1)) }
  @inline(__always)
  private init(_ first: Wide, _ second: Wide) { (self.first, self.second) = (first, second) }

  @inline(__always) static var rows: Int { 2 }
  @inline(__always)
  func forEach(_ body: (Int, Wide) -> Void) {
    body(0, first)
    body(1, second)
  }

  @inline(__always)
  static func fma(_ a: Float, _ b: Self, _ c: Self) -> Self {
    Self(csimd_fma(a, b.first, c.first), csimd_fma(a, b.second, c.second))
  }
  @inline(__always)
  static func fma(_ a: Self, _ b: Self, _ c: Self) -> Self {
    Self(csimd_fma(a.first, b.first, c.first), csimd_fma(a.second, b.second, c.second))
  }
  @inline(__always)
  static func add(_ a: Self, _ b: Self) -> Self {
    Self(csimd_add(a.first, b.first), csimd_add(a.second, b.second))
  }
  @inline(__always)
  static func subtract(_ a: Self, _ b: Self) -> Self {
    Self(csimd_subtract(a.first, b.first), csimd_subtract(a.second, b.second))
  }
  @inline(__always)
  static func multiply(_ a: Self, _ b: Self) -> Self {
    Self(csimd_multiply(a.first, b.first), csimd_multiply(a.second, b.second))
  }
  @inline(__always)
  static func divide(_ a: Self, _ b: Self) -> Self {
    Self(csimd_divide(a.first, b.first), csimd_divide(a.second, b.second))
  }
  @inline(__always)
  static func max(_ a: Self, _ b: Self) -> Self {
    Self(csimd_max(a.first, b.first), csimd_max(a.second, b.second))
  }
  @inline(__always)
  static func min(_ a: Self, _ b: Self) -> Self {
    Self(csimd_min(a.first, b.first), csimd_min(a.second, b.second))
  }
  @inline(__always)
  static func twoToThe(_ a: Self) -> Self {
    Self(csimd_two_to_the(a.first), csimd_two_to_the(a.second))
  }
}
