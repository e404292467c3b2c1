// The run as a picture: `curves.svg`, loss above and accuracy below, over steps; training thin, the
// held-out data as dots on a line. A plain SVG that every browser shows.

import Foundation

/// Draws a run's log.
struct CurvePlot {
  /// A curve's points: (step, value).
  typealias Points = [(x: Double, y: Double)]

  private let width = 760.0, panelHeight = 230.0
  private let left = 70.0, right = 150.0, top = 64.0, gap = 62.0
  private static let trainingColor = "#4c78a8", heldOutColor = "#e4572e"

  /// The picture of `lines`.
  ///
  /// - Parameters:
  ///   - title: shown on top.
  ///   - stepsPerEpoch: for the second scale below the picture.
  func svg(_ lines: [LogLine], title: String, stepsPerEpoch: Int) -> String {
    func points(_ event: LogLine.Event, _ value: (LogLine) -> Double?) -> Points {
      lines.compactMap { line in
        guard line.event == event, let step = line.step, let y = value(line), y.isFinite else {
          return nil
        }
        return (Double(step), y)
      }
    }
    let panels: [(name: String, training: Points, heldOut: Points)] = [
      ("loss", points(.progress) { $0.loss }, points(.evaluation) { $0.heldOutLoss }),
      ("accuracy", points(.progress) { $0.accuracy }, points(.evaluation) { $0.heldOutAccuracy }),
    ]
    let lastStep = max(1, panels.flatMap { $0.training + $0.heldOut }.map(\.x).max() ?? 1)
    let height = top + 2 * panelHeight + gap + 58
    var out =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(width)) \(Int(height))\""
      + " width=\"\(Int(width))\" height=\"\(Int(height))\""
      + " font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\">\n"
      + "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      + text(left, 24, title, size: 16, weight: "bold")
    for (index, panel) in panels.enumerated() {
      let y = top + Double(index) * (panelHeight + gap)
      let seen = Self.settled(Self.smoothed(panel.training), until: lastStep) + panel.heldOut
      let scale = Scale(low: seen.map(\.y).min() ?? 0, high: seen.map(\.y).max() ?? 1)
      out += draw(
        panel.name, training: panel.training, heldOut: panel.heldOut, scale: scale, at: y,
        lastStep: lastStep)
    }
    let below = top + 2 * panelHeight + gap
    out += text(
      left + (width - left - right) / 2, below + 40,
      "steps (an epoch has \(Progress.thousands(Double(stepsPerEpoch))))", anchor: "middle")
    return out + "</svg>\n"
  }

  /// A vertical or horizontal scale with round marks.
  struct Scale {
    let low, high: Double
    let marks: [Double]

    /// Covers `low...high` with steps of 1, 2 or 5 times a power of ten.
    init(low: Double, high: Double, about count: Double = 5) {
      let span = max(high - low, abs(high) * 1e-3, 1e-6)
      let raw = span / count
      let power = pow(10, floor(log10(raw)))
      let step = [1.0, 2, 5, 10].map { $0 * power }.first { $0 >= raw * 0.999 } ?? raw
      let first = floor(low / step + 1e-9) * step
      let last = ceil((low + span) / step - 1e-9) * step
      self.low = first
      self.high = last
      marks = (0...Int(((last - first) / step).rounded())).map { first + Double($0) * step }
    }

    /// 0 at `low`, 1 at `high`; values outside lie a little outside, whatever their size.
    func place(_ value: Double) -> Double { min(max((value - low) / (high - low), -0.5), 1.5) }
  }

  private func draw(
    _ name: String, training: Points, heldOut: Points, scale: Scale, at top: Double,
    lastStep: Double
  ) -> String {
    let plotWidth = width - left - right
    func x(_ step: Double) -> Double { left + plotWidth * step / lastStep }
    func y(_ value: Double) -> Double { top + panelHeight * (1 - scale.place(value)) }
    var out = ""
    for mark in scale.marks {
      out += line(left, y(mark), left + plotWidth, y(mark), "#e3e3e3")
      out += text(left - 8, y(mark) + 4, Self.label(mark), anchor: "end")
    }
    let steps = Scale(low: 0, high: lastStep, about: 6).marks.filter {
      $0 <= lastStep * 1.0001 && $0 == $0.rounded()
    }
    for mark in steps {
      out += line(x(mark), top + panelHeight, x(mark), top + panelHeight + 5, "#888")
      out += text(
        x(mark), top + panelHeight + 19, Progress.thousands(mark), anchor: "middle")
    }
    out += line(left, top + panelHeight, left + plotWidth, top + panelHeight, "#888")
    out += text(left, top - 8, name, weight: "bold")
    let clip = "clip-\(name)"
    out +=
      "<clipPath id=\"\(clip)\"><rect x=\"\(left)\" y=\"\(top - 2)\" width=\"\(plotWidth + 4)\""
      + " height=\"\(panelHeight + 4)\"/></clipPath>\n<g clip-path=\"url(#\(clip))\">\n"
    out += polyline(training.map { (x($0.x), y($0.y)) }, Self.trainingColor, 0.8, opacity: 0.3)
    out += polyline(
      Self.smoothed(training).map { (x($0.x), y($0.y)) }, Self.trainingColor, 1.8, opacity: 1)
    out += polyline(heldOut.map { (x($0.x), y($0.y)) }, Self.heldOutColor, 1.8, opacity: 1)
    for point in heldOut {
      out += String(
        format: "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%@\"/>\n", x(point.x), y(point.y),
        Self.heldOutColor as NSString)
    }
    out += "</g>\n"
    // Labels stand at the curves' ends, apart from each other.
    var trainingEnd = Self.smoothed(training).last.map { y($0.y) } ?? top
    var heldOutEnd = heldOut.last.map { y($0.y) } ?? top
    if !training.isEmpty && !heldOut.isEmpty && abs(trainingEnd - heldOutEnd) < 17 {
      let middle = (trainingEnd + heldOutEnd) / 2
      let sign = trainingEnd < heldOutEnd ? -1.0 : 1.0
      (trainingEnd, heldOutEnd) = (middle + sign * 8.5, middle - sign * 8.5)
    }
    if let last = Self.smoothed(training).last {
      out += text(
        left + plotWidth + 8, trainingEnd + 4, "training \(Self.label(last.y, places: 3))",
        color: Self.trainingColor)
    }
    if let last = heldOut.last {
      out += text(
        left + plotWidth + 8, heldOutEnd + 4, "held out \(Self.label(last.y, places: 3))",
        color: Self.heldOutColor)
    }
    return out
  }

  /// The points behind the first twentieth of the run: the scale is theirs, since the fall from the
  /// very first loss would leave all later differences too small to see.
  static func settled(_ points: Points, until lastStep: Double) -> Points {
    let later = points.filter { $0.x > lastStep / 20 }
    return later.count < 2 ? points : later
  }

  /// A running mean over about a fiftieth of the points; single steps are too noisy to read.
  static func smoothed(_ points: Points) -> Points {
    let reach = max(1, points.count / 50)
    var sum = 0.0
    return points.indices.map { index in
      sum += points[index].y
      if index >= reach { sum -= points[index - reach].y }
      return (points[index].x, sum / Double(min(index + 1, reach)))
    }
  }

  private static func label(_ value: Double, places: Int = 3) -> String {
    if value != 0 && abs(value) < 0.01 { return String(format: "%.2g", value) }
    let text = String(format: "%.\(places)f", value)
    guard text.contains(".") else { return text }
    let trimmed = text.reversed().drop { $0 == "0" }.drop { $0 == "." }
    return trimmed.isEmpty ? "0" : String(trimmed.reversed())
  }

  private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ color: String)
    -> String
  {
    String(
      format: "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%@\"/>\n", x1, y1, x2,
      y2, color as NSString)
  }

  private func polyline(
    _ points: [(Double, Double)], _ color: String, _ thickness: Double, opacity: Double
  ) -> String {
    if points.count == 1, let (x, y) = points.first {
      return "<circle cx=\"\(x)\" cy=\"\(y)\" r=\"3\" fill=\"\(color)\"/>\n"
    }
    guard points.count > 1 else { return "" }
    let places = points.map { String(format: "%.1f,%.1f", $0.0, $0.1) }.joined(separator: " ")
    return "<polyline fill=\"none\" stroke=\"\(color)\" stroke-width=\"\(thickness)\""
      + " stroke-opacity=\"\(opacity)\" stroke-linejoin=\"round\" points=\"\(places)\"/>\n"
  }

  private func text(
    _ x: Double, _ y: Double, _ content: String, anchor: String = "start", size: Int = 13,
    weight: String = "normal", color: String = "#333"
  ) -> String {
    let escaped = content.replacingOccurrences(of: "&", with: "&amp;")
      .replacingOccurrences(of: "<", with: "&lt;")
    return String(format: "<text x=\"%.1f\" y=\"%.1f\" ", x, y)
      + "text-anchor=\"\(anchor)\" font-size=\"\(size)\" font-weight=\"\(weight)\""
      + " fill=\"\(color)\">\(escaped)</text>\n"
  }
}
