// Winograd's transforms in one dimension, each lane of a vector a channel. A tile of m results
// y = convolution(d, g) of d (m + 2 numbers) with g (3 taps) is a product of polynomials, computed
// by their values at m + 1 points and infinity: y = A^T [(G g) . (B^T d)]. Transposed, the same
// three matrices give the gradient of the taps, dg = G^T [(A dy) . (B^T d)].
//
// F(4, 3) with points 0, ±3/4, ±3/2 needs few more operations than with the textbook's 0, ±1, ±2,
// and all matrices' entries stay near 1, which is what decides about rounding.
// Source: Lavin and Gray (2016); on points: Barabasz et al., "Error analysis and improving the
// accuracy of Winograd convolution for deep neural networks" (2020).

import CSIMD
import KernelABI

/// One row or column of a tile. F(2, 3) uses the first four.
typealias TileLine = InlineArray<6, Half>

/// `count` (2 to 6) numbers. (An initializer that takes a closure stays a call within closures.)
@inline(__always)
func tileLine(_ count: Int, _ number: (Int) -> Half) -> TileLine {
  [
    number(0), number(1), count > 2 ? number(2) : Half(), count > 3 ? number(3) : Half(),
    count > 4 ? number(4) : Half(), count > 5 ? number(5) : Half(),
  ]
}

/// The five transforms.
enum WinogradStage {
  case input, weights, output, gradient, weightGradient
}

/// F(m, 3).
protocol WinogradTransform {
  /// m, the results of a tile along an axis; m + 2 numbers go into it.
  static var outputs: Int { get }
  /// B^T d.
  static func input(_ d: TileLine) -> TileLine
  /// G g.
  static func weights(_ g: TileLine) -> TileLine
  /// A^T m.
  static func output(_ m: TileLine) -> TileLine
  /// A dy.
  static func gradient(_ dy: TileLine) -> TileLine
  /// G^T m.
  static func weightGradient(_ m: TileLine) -> TileLine
}

extension WinogradTransform {
  /// Numbers along an axis, and products, of a tile.
  @inline(__always) static var extent: Int { outputs &+ 2 }
  @inline(__always) static var products: Int { extent &* extent }

  @inline(__always)
  private static func transform(_ stage: WinogradStage, _ line: TileLine) -> TileLine {
    switch stage {
    case .input: input(line)
    case .weights: weights(line)
    case .output: output(line)
    case .gradient: gradient(line)
    case .weightGradient: weightGradient(line)
    }
  }

  /// Floats of `room` for `both`.
  @inline(__always) static var roomCount: Int { 36 * half }

  /// Applies a transform to both axes of a tile: `column(j)` gives `before` columns, `row(i, line)`
  /// takes rows `first`..<`end` of the result. (The transform is named by a constant, because a
  /// function as an argument would be called twice per line instead of being inlined.)
  @inline(__always)
  static func both(
    _ stage: WinogradStage, _ before: Int, _ first: Int, _ end: Int, room: FloatsOut,
    column: (Int) -> TileLine, row: (Int, TileLine) -> Void
  ) {
    for j in 0..<before {
      let line = transform(stage, column(j))
      for i in first..<end { line[unchecked: i].store(room + (i &* 6 &+ j) &* half) }
    }
    for i in first..<end {
      let from = FloatsIn(room) + i &* 6 &* half
      row(i, transform(stage, tileLine(before) { j in (from + j &* half).half }))
    }
  }
}

@inline(__always)
private func + (a: Half, b: Half) -> Half { csimd_add(a, b) }
@inline(__always)
private func - (a: Half, b: Half) -> Half { csimd_subtract(a, b) }
/// a b + c.
@inline(__always)
private func fma(_ a: Float, _ b: Half, _ c: Half) -> Half { csimd_fma(a, b, c) }
@inline(__always)
private func times(_ a: Float, _ b: Half) -> Half { csimd_multiply(Half(repeating: a), b) }

/// A line of `numbers`, zeros beyond.
@inline(__always)
private func line(
  _ a: Half, _ b: Half, _ c: Half, _ d: Half = Half(), _ e: Half = Half(), _ f: Half = Half()
) -> TileLine {
  [a, b, c, d, e, f]
}

/// F(2x2, 3x3), points 0, 1, -1, infinity.
enum F2: WinogradTransform {
  @inline(__always) static var outputs: Int { 2 }

  @inline(__always)
  static func input(_ d: TileLine) -> TileLine {
    line(d[0] - d[2], d[1] + d[2], d[2] - d[1], d[3] - d[1])
  }

  @inline(__always)
  static func weights(_ g: TileLine) -> TileLine {
    let even = times(0.5, g[0] + g[2])
    return line(g[0], fma(0.5, g[1], even), fma(-0.5, g[1], even), g[2])
  }

  @inline(__always)
  static func output(_ m: TileLine) -> TileLine {
    line(m[0] + (m[1] + m[2]), m[1] - m[2] + m[3], Half())
  }

  @inline(__always)
  static func gradient(_ dy: TileLine) -> TileLine {
    line(dy[0], dy[0] + dy[1], dy[0] - dy[1], dy[1])
  }

  @inline(__always)
  static func weightGradient(_ m: TileLine) -> TileLine {
    let (sum, difference) = (m[1] + m[2], m[1] - m[2])
    return line(fma(0.5, sum, m[0]), times(0.5, difference), fma(0.5, sum, m[3]))
  }
}

/// F(4x4, 3x3), points 0, p, -p, q, -q, infinity with p = 3/4, q = 3/2.
enum F4: WinogradTransform {
  @inline(__always) static var outputs: Int { 4 }

  // Powers of the points are exact in binary; so are their products.
  private static var p: Float { 0.75 }
  private static var q: Float { 1.5 }
  private static var p2: Float { 0.5625 }
  private static var q2: Float { 2.25 }
  private static var p3: Float { 0.421875 }
  private static var q3: Float { 3.375 }
  /// p^2 q^2 and p^2 + q^2.
  private static var product: Float { 1.265625 }
  private static var sum: Float { 2.8125 }
  /// What G divides by: 1 / (p^2 q^2), 1 / (2 p^2 (p^2 - q^2)), 1 / (2 q^2 (q^2 - p^2)).
  private static var g0: Float { 1 / 1.265625 }
  private static var gp: Float { 1 / (2 * 0.5625 * (0.5625 - 2.25)) }
  private static var gq: Float { 1 / (2 * 2.25 * (2.25 - 0.5625)) }

  @inline(__always)
  static func input(_ d: TileLine) -> TileLine {
    let (u, v) = (fma(-q2, d[2], d[4]), fma(-q2, d[1], d[3]))
    let (w, z) = (fma(-p2, d[2], d[4]), fma(-p2, d[1], d[3]))
    return line(
      fma(product, d[0], fma(-sum, d[2], d[4])), fma(p, v, u), fma(-p, v, u), fma(q, z, w),
      fma(-q, z, w), fma(product, d[1], fma(-sum, d[3], d[5])))
  }

  @inline(__always)
  static func weights(_ g: TileLine) -> TileLine {
    let a = times(gp, fma(p2, g[2], g[0]))
    let b = times(gq, fma(q2, g[2], g[0]))
    return line(
      times(g0, g[0]), fma(gp * p, g[1], a), fma(-gp * p, g[1], a), fma(gq * q, g[1], b),
      fma(-gq * q, g[1], b), g[2])
  }

  @inline(__always)
  static func output(_ m: TileLine) -> TileLine {
    let (s, t) = (m[1] + m[2], m[3] + m[4])
    let (d, e) = (m[1] - m[2], m[3] - m[4])
    return line(
      m[0] + (s + t), fma(q, e, times(p, d)), fma(q2, t, times(p2, s)),
      fma(q3, e, fma(p3, d, m[5])))
  }

  @inline(__always)
  static func gradient(_ dy: TileLine) -> TileLine {
    let (a, b) = (fma(p2, dy[2], dy[0]), fma(p2, dy[3], dy[1]))
    let (c, d) = (fma(q2, dy[2], dy[0]), fma(q2, dy[3], dy[1]))
    return line(dy[0], fma(p, b, a), fma(-p, b, a), fma(q, d, c), fma(-q, d, c), dy[3])
  }

  @inline(__always)
  static func weightGradient(_ m: TileLine) -> TileLine {
    let (s, t) = (m[1] + m[2], m[3] + m[4])
    let (d, e) = (m[1] - m[2], m[3] - m[4])
    return line(
      fma(gq, t, fma(gp, s, times(g0, m[0]))), fma(gq * q, e, times(gp * p, d)),
      fma(gq * q2, t, fma(gp * p2, s, m[5])))
  }
}
