// Paints one glyph as a hand might: every point of every stroke is displaced a little, the whole is
// sheared, turned, stretched and moved, the pen's width and pressure vary, stray marks and noise
// are added. Only operations that IEEE 754 fixes to the last bit are used (no sines or logarithms),
// so that every machine paints the same bytes.

import Basics

/// Paints glyphs into squares of bytes; owns the scratch for one picture.
final class GlyphPainter {
  /// Pixels along each side of a picture.
  static let side = 28
  /// Straight pieces per curve.
  private static let pieces = 5

  private var coverage = [Float](repeating: 0, count: side * side)

  /// Numbers of one picture, drawn one after the other.
  private struct Draws {
    let random: CounterRandom
    var counter: UInt64 = 0

    mutating func bits() -> UInt64 {
      defer { counter += 1 }
      return random.bits(counter)
    }

    /// Uniform in [from, to).
    mutating func number(_ from: Float, _ to: Float) -> Float {
      from + (to - from) * Float(bits() >> 40) * 0x1p-24
    }
  }

  /// Paints `glyph` into `pixels` (side x side bytes), as `random` says. Cost: about 10 us.
  func paint(_ glyph: GlyphShape, random: CounterRandom, into pixels: UnsafeMutablePointer<UInt8>) {
    var draws = Draws(random: random)
    for index in coverage.indices { coverage[index] = 0 }

    // Glyph to picture: stretch, shear, turn by the angle whose half has the tangent t, move.
    let t = draws.number(-0.17, 0.17)
    let (cosine, sine) = ((1 - t * t) / (1 + t * t), 2 * t / (1 + t * t))
    let (width, height) = (draws.number(12, 19), draws.number(15, 21))
    let shear = draws.number(-0.35, 0.35)
    let (centreX, centreY) = (draws.number(10.7, 16.3), draws.number(11.2, 15.8))
    func place(_ x: Float, _ y: Float) -> GlyphPoint {
      let u = (x - 0.5) * width - shear * (y - 0.5) * height, v = (y - 0.5) * height
      return GlyphPoint(centreX + cosine * u - sine * v, centreY + sine * u + cosine * v)
    }

    let radius = draws.number(0.7, 1.6)
    for stroke in glyph.strokes {
      var points = stroke
      for index in points.indices {
        points[index] = place(
          points[index].x + draws.number(-0.07, 0.07), points[index].y + draws.number(-0.07, 0.07))
      }
      for start in stride(from: 0, to: points.count - 2, by: 2) {
        curve(points[start], points[start + 1], points[start + 2], radius)
      }
    }
    // A stray mark, so that single pixels tell little.
    let from = GlyphPoint(draws.number(2, 26), draws.number(2, 26))
    let to = GlyphPoint(from.x + draws.number(-6, 6), from.y + draws.number(-6, 6))
    line(from, to, 0.7)

    let pressure = draws.number(140, 255)
    for first in stride(from: 0, to: Self.side * Self.side, by: 4) {
      var noise = draws.bits()
      for index in first..<first + 4 {
        // The difference of two bytes: triangular, deviation 104, here scaled to about 20.
        let shake = Float(Int(noise & 255) - Int(noise >> 8 & 255)) * 0.2
        noise >>= 16
        pixels[index] = UInt8(max(0, min(255, coverage[index] * pressure + shake)))
      }
    }
  }

  /// A quadratic Bezier curve, as straight pieces.
  private func curve(_ a: GlyphPoint, _ b: GlyphPoint, _ c: GlyphPoint, _ radius: Float) {
    var last = a
    for piece in 1...Self.pieces {
      let t = Float(piece) / Float(Self.pieces), s = 1 - t
      let next = GlyphPoint(
        s * s * a.x + 2 * s * t * b.x + t * t * c.x, s * s * a.y + 2 * s * t * b.y + t * t * c.y)
      line(last, next, radius)
      last = next
    }
  }

  /// Covers the pixels within `radius` of the line, fading out over one pixel.
  private func line(_ a: GlyphPoint, _ b: GlyphPoint, _ radius: Float) {
    let reach = radius + 0.5
    func bound(_ value: Float) -> Int { Int(max(0, min(Float(Self.side), value))) }
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    let inverse = 1 / max(dx * dx + dy * dy, 1e-6)
    coverage.withUnsafeMutableBufferPointer { coverage in
      for row in bound(min(a.y, b.y) - reach)..<bound(max(a.y, b.y) + reach + 1) {
        for column in bound(min(a.x, b.x) - reach)..<bound(max(a.x, b.x) + reach + 1) {
          let (x, y) = (Float(column) - a.x, Float(row) - a.y)
          let along = max(0, min(1, (x * dx + y * dy) * inverse))
          let (offX, offY) = (x - along * dx, y - along * dy)
          let distance = (offX * offX + offY * offY).squareRoot()
          let covered = max(0, min(1, reach - distance))
          let index = row * Self.side + column
          coverage[index] = max(coverage[index], covered)
        }
      }
    }
  }
}
