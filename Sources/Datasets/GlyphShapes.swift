// The ten glyphs of the generated data set: the digits, as strokes of the pen.

/// A place in a glyph's unit square: x to the right, y downwards.
struct GlyphPoint {
  var x, y: Float
  init(_ x: Float, _ y: Float) { (self.x, self.y) = (x, y) }
}

/// Strokes of a glyph. A stroke is a chain of quadratic Bezier curves: end, control, end, control,
/// end, ...; a straight line has its control point in the middle.
struct GlyphShape {
  let strokes: [[GlyphPoint]]

  /// Points that can be moved to vary the hand.
  var pointCount: Int { strokes.reduce(0) { $0 + $1.count } }

  /// The glyphs for 0, 1, ..., 9.
  static let digits: [GlyphShape] = [
    GlyphShape(strokes: [
      curve(
        (0.5, 0.05), (0.85, 0.05), (0.82, 0.5), (0.82, 0.95), (0.5, 0.95), (0.18, 0.95),
        (0.18, 0.5), (0.15, 0.05), (0.5, 0.05))
    ]),
    GlyphShape(strokes: [lines((0.3, 0.25), (0.52, 0.05), (0.52, 0.95))]),
    GlyphShape(strokes: [
      curve(
        (0.22, 0.28), (0.25, 0.05), (0.5, 0.05), (0.82, 0.05), (0.76, 0.34), (0.7, 0.55),
        (0.22, 0.95)),
      lines((0.22, 0.95), (0.8, 0.95)),
    ]),
    GlyphShape(strokes: [
      curve((0.24, 0.1), (0.76, -0.04), (0.74, 0.27), (0.72, 0.46), (0.44, 0.47)),
      curve((0.44, 0.47), (0.82, 0.48), (0.79, 0.72), (0.72, 1.04), (0.22, 0.88)),
    ]),
    GlyphShape(strokes: [
      lines((0.62, 0.95), (0.62, 0.05)),
      lines((0.62, 0.05), (0.18, 0.65), (0.82, 0.65)),
    ]),
    GlyphShape(strokes: [
      lines((0.76, 0.05), (0.3, 0.05), (0.26, 0.45)),
      curve((0.26, 0.45), (0.78, 0.28), (0.79, 0.68), (0.74, 1.04), (0.22, 0.88)),
    ]),
    GlyphShape(strokes: [
      curve(
        (0.7, 0.05), (0.25, 0.2), (0.22, 0.66), (0.22, 0.95), (0.5, 0.95), (0.8, 0.95),
        (0.8, 0.68), (0.78, 0.42), (0.5, 0.42), (0.26, 0.45), (0.22, 0.68))
    ]),
    GlyphShape(strokes: [
      lines((0.2, 0.05), (0.8, 0.05)),
      curve((0.8, 0.05), (0.5, 0.45), (0.4, 0.95)),
    ]),
    GlyphShape(strokes: [
      curve(
        (0.5, 0.47), (0.22, 0.42), (0.24, 0.24), (0.28, 0.05), (0.5, 0.05), (0.72, 0.05),
        (0.76, 0.24), (0.78, 0.42), (0.5, 0.47)),
      curve(
        (0.5, 0.47), (0.18, 0.52), (0.2, 0.74), (0.24, 0.95), (0.5, 0.95), (0.76, 0.95),
        (0.8, 0.74), (0.82, 0.52), (0.5, 0.47)),
    ]),
    GlyphShape(strokes: [
      curve(
        (0.3, 0.95), (0.75, 0.8), (0.78, 0.34), (0.78, 0.05), (0.5, 0.05), (0.2, 0.05),
        (0.2, 0.32), (0.22, 0.58), (0.5, 0.58), (0.74, 0.55), (0.78, 0.32))
    ]),
  ]

  private static func curve(_ points: (Float, Float)...) -> [GlyphPoint] {
    points.map { GlyphPoint($0.0, $0.1) }
  }

  private static func lines(_ points: (Float, Float)...) -> [GlyphPoint] {
    var chain = [GlyphPoint(points[0].0, points[0].1)]
    for (from, to) in zip(points, points.dropFirst()) {
      chain.append(GlyphPoint((from.0 + to.0) / 2, (from.1 + to.1) / 2))
      chain.append(GlyphPoint(to.0, to.1))
    }
    return chain
  }
}
