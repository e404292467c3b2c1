// Maps over vectors: two registers at a time, then one partial vector for the tail. All of them are
// bound by memory as soon as the data leave the first-level cache.

import CSIMD
import KernelABI

/// Calls `body(i, lanes)` for consecutive pieces of 0..<count: whole vectors, then the tail. `body`
/// is inlined twice, so that the number of lanes is a constant in the loop.
@inline(__always)
func forEachWide(_ count: Int, _ body: (Int, Int) -> Void) { forEach(wide, count, body) }

/// The same for pieces of one register, for functions that need many registers themselves.
@inline(__always)
func forEachHalf(_ count: Int, _ body: (Int, Int) -> Void) { forEach(half, count, body) }

@inline(__always)
private func forEach(_ vector: Int, _ count: Int, _ body: (Int, Int) -> Void) {
  var i = 0
  while i &+ vector <= count {
    body(i, vector)
    i &+= vector
  }
  if i < count { body(i, count &- i) }
}

extension UnsafePointer where Pointee == Float {
  /// `lanes` floats from index `i` on.
  @inline(__always)
  subscript(i: Int, lanes: Int) -> Wide {
    lanes == Wide.lanes ? (self + i).wide : Wide.load(self + i, lanes)
  }
}

extension UnsafeMutablePointer where Pointee == Float {
  /// `lanes` floats from index `i` on.
  @inline(__always)
  subscript(i: Int, lanes: Int) -> Wide {
    get { FloatsIn(self)[i, lanes] }
    nonmutating set {
      if lanes == Wide.lanes { (self + i).wide = newValue } else { newValue.store(self + i, lanes) }
    }
  }
}

extension VectorKernels {
  /// 8 bytes of traffic per element.
  public static func leakyReLU(_ count: Int, slope: Float, x: FloatsIn, y: FloatsOut) {
    forEachWide(count) { i, lanes in
      let value = x[i, lanes]
      y[i, lanes] = csimd_max(csimd_multiply(Wide(repeating: slope), value), value)
    }
  }

  /// 12 bytes of traffic per element.
  public static func leakyReLUBackward(
    _ count: Int, slope: Float, y: FloatsIn, dy: FloatsIn, dx: FloatsOut
  ) {
    forEachWide(count) { i, lanes in
      let gradient = dy[i, lanes]
      dx[i, lanes] = csimd_select(
        csimd_greater(y[i, lanes], Wide()), gradient,
        csimd_multiply(Wide(repeating: slope), gradient))
    }
  }

  /// 12 bytes of traffic per element.
  public static func add(_ count: Int, x: FloatsIn, y: FloatsOut) {
    forEachWide(count) { i, lanes in y[i, lanes] = csimd_add(y[i, lanes], x[i, lanes]) }
  }

  /// 12 bytes of traffic per element.
  public static func multiply(_ count: Int, x: FloatsIn, y: FloatsOut) {
    forEachWide(count) { i, lanes in y[i, lanes] = csimd_multiply(y[i, lanes], x[i, lanes]) }
  }

  /// 4 bytes of traffic per element and vector. Four registers' worth at a time, so that finding the
  /// vectors costs little beside reading them. What comes 1 KB later is asked for already, but nothing
  /// behind the end: there lies what other cores write.
  public static func sumVectors(
    _ count: Int, x: UnsafePointer<FloatsOut>, over: Int, y: UnsafePointer<FloatsOut>, into: Int
  ) {
    let first = x[0]
    var i = 0
    let step = 4 &* wide
    let line = 64 / MemoryLayout<Float>.stride
    while i &+ step <= count {
      let ahead = i &+ 16 &* line
      if ahead &+ step <= count {
        for k in 0..<over {
          for place in stride(from: ahead, to: ahead &+ step, by: line) {
            csimd_prefetch(x[k] + place)
          }
        }
      }
      var (a, b) = ((first + i).wide, (first + (i &+ wide)).wide)
      var (c, d) = ((first + (i &+ 2 &* wide)).wide, (first + (i &+ 3 &* wide)).wide)
      var k = 1
      while k < over {
        let p = x[k] + i
        a = csimd_add(a, p.wide)
        b = csimd_add(b, (p + wide).wide)
        c = csimd_add(c, (p + 2 &* wide).wide)
        d = csimd_add(d, (p + 3 &* wide).wide)
        k &+= 1
      }
      k = 0
      while k < into {
        let p = y[k] + i
        p.wide = a
        (p + wide).wide = b
        (p + 2 &* wide).wide = c
        (p + 3 &* wide).wide = d
        k &+= 1
      }
      i &+= step
    }
    while i < count {
      let lanes = min(wide, count &- i)
      var sum = first[i, lanes]
      for k in 1..<over { sum = csimd_add(sum, x[k][i, lanes]) }
      for k in 0..<into { y[k][i, lanes] = sum }
      i &+= lanes
    }
  }

  /// 12 bytes of traffic per element.
  public static func addScaled(_ count: Int, factor: Float, x: FloatsIn, y: FloatsOut) {
    forEachWide(count) { i, lanes in y[i, lanes] = csimd_fma(factor, x[i, lanes], y[i, lanes]) }
  }

  /// 8 bytes of traffic per element.
  public static func scale(_ count: Int, factor: Float, y: FloatsOut) {
    let factor = Wide(repeating: factor)
    forEachWide(count) { i, lanes in y[i, lanes] = csimd_multiply(factor, y[i, lanes]) }
  }

  /// 5 bytes of traffic per element.
  public static func convertBytes(
    _ count: Int, bytes: UnsafePointer<UInt8>, scale: Float, offset: Float, y: FloatsOut
  ) {
    let offset = Wide(repeating: offset)
    forEachWide(count) { i, lanes in
      y[i, lanes] = csimd_fma(scale, csimd_floats(loadBytes(bytes + i, lanes)), offset)
    }
  }
}

/// `lanes` bytes.
@inline(__always)
func loadBytes(_ p: UnsafePointer<UInt8>, _ lanes: Int) -> WideBytes {
  if lanes == wide { return UnsafeRawPointer(p).loadUnaligned(as: WideBytes.self) }
  return csimd_load(p, lanes, WideBytes())
}
