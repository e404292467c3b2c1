// Figures of `apus bench all-reduce` as a picture: microseconds over bytes, both logarithmic, one
// line per algorithm, the bound dashed.

import Collectives
import Foundation

/// Draws a study.
struct AllReducePlot {
  private let figures: [AllReduceFigure]
  private let width = 860.0, height = 520.0
  private let left = 80.0, right = 210.0, top = 60.0, bottom = 60.0
  private static let colors = [
    "#4c78a8", "#e4572e", "#54a24b", "#b279a2", "#ff9da6", "#9d755d", "#72b7b2", "#eeca3b",
    "#333333", "#88d27a", "#d67195", "#5a7fff", "#a05d00", "#7a7a7a",
  ]

  init(_ figures: [AllReduceFigure]) { self.figures = figures }

  /// The picture.
  func svg(title: String) -> String {
    let names = figures.map(\.algorithm).map(Self.name).reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    let sizes = figures.map { Double($0.bytes) }
    let times = figures.flatMap { [$0.fastest * 1e6, $0.bound * 1e6] }.filter { $0 > 0 }
    guard let least = sizes.min(), let most = sizes.max(), let low = times.min(),
      let high = times.max()
    else { return "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n" }
    let x = Axis(low: least, high: most, from: left, to: width - right)
    let y = Axis(low: low, high: high, from: height - bottom, to: top)
    var out =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(width)) \(Int(height))\""
      + " width=\"\(Int(width))\" height=\"\(Int(height))\""
      + " font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\">\n"
      + "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      + text(left, 28, title, size: 16, weight: "bold")
      + text(left, 48, "microseconds per all-reduce (fastest round), over bytes", fill: "#555555")
    for power in y.powers {
      let level = y.place(pow(10, power))
      out += line(left, level, width - right, level, "#e3e3e3")
      out += text(left - 8, level + 4, Self.tenPower(power), anchor: "end")
    }
    for size in Set(sizes).sorted() {
      out += line(x.place(size), top, x.place(size), height - bottom, "#f0f0f0")
      out += text(
        x.place(size), height - bottom + 20, ByteCount.text(Int(size)), anchor: "middle")
    }
    let bound = Set(sizes).sorted().compactMap { size in
      figures.first { Double($0.bytes) == size }.map { (size, $0.bound * 1e6) }
    }
    var ends: [(name: String, color: String, y: Double)] = [("bound", "#999999", 0)]
    ends[0].y = bound.last.map { y.place($0.1) } ?? 0
    out += path(bound, x, y, "#999999", dashed: true)
    for (index, name) in names.enumerated() {
      let color = Self.colors[index % Self.colors.count]
      let points = figures.filter { Self.name($0.algorithm) == name }
        .map { (Double($0.bytes), $0.fastest * 1e6) }
      out += path(points, x, y, color, dashed: false)
      if let last = points.last { ends.append((name, color, y.place(last.1))) }
    }
    // Names beside the ends of their lines, pushed apart where they would meet.
    var previous = top - 16
    for end in ends.sorted(by: { $0.y < $1.y }) {
      let place = max(end.y, previous + 16)
      previous = place
      out += line(width - right + 3, end.y, width - right + 18, place, end.color)
      out += text(width - right + 22, place + 4, end.name, fill: end.color)
    }
    return out + "</svg>\n"
  }

  /// The algorithm without the choice that `auto` made.
  private static func name(_ algorithm: String) -> String {
    String(algorithm.split(separator: " ").first ?? "")
  }

  private static func tenPower(_ power: Double) -> String {
    power >= 6
      ? "\(Int(pow(10, power - 6))) s"
      : power >= 3 ? "\(Int(pow(10, power - 3))) ms" : String(format: "%g us", pow(10, power))
  }

  /// A logarithmic axis.
  private struct Axis {
    let low, high, from, to: Double
    func place(_ value: Double) -> Double {
      guard high > low else { return (from + to) / 2 }
      return from + (to - from) * (log(max(value, low)) - log(low)) / (log(high) - log(low))
    }
    var powers: [Double] {
      Array(stride(from: log10(low).rounded(.up), through: log10(high).rounded(.down), by: 1))
    }
  }

  private func path(
    _ points: [(Double, Double)], _ x: Axis, _ y: Axis, _ color: String, dashed: Bool
  ) -> String {
    let list = points.map { String(format: "%.1f,%.1f", x.place($0.0), y.place($0.1)) }
    let dots = points.map {
      String(
        format: "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"\(color)\"/>\n", x.place($0.0),
        y.place($0.1))
    }
    return "<polyline points=\"\(list.joined(separator: " "))\" fill=\"none\" stroke=\"\(color)\""
      + " stroke-width=\"2\"\(dashed ? " stroke-dasharray=\"6 4\"" : "")/>\n"
      + (dashed ? "" : dots.joined())
  }

  private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ color: String)
    -> String
  {
    String(
      format: "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"\(color)\"/>\n", x1,
      y1, x2, y2)
  }

  private func text(
    _ x: Double, _ y: Double, _ words: String, size: Int = 13, weight: String = "normal",
    anchor: String = "start", fill: String = "#222222"
  ) -> String {
    String(format: "<text x=\"%.1f\" y=\"%.1f\"", x, y)
      + " font-size=\"\(size)\" font-weight=\"\(weight)\" text-anchor=\"\(anchor)\""
      + " fill=\"\(fill)\">\(words)</text>\n"
  }
}
