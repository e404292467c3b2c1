// The few SVG shapes that drawings of schedules are made of.

/// Shapes in the order in which they were drawn.
struct SVGCanvas {
  typealias Point = (x: Double, y: Double)
  enum Head { case full, open }

  private var shapes: [String] = []

  /// The document.
  func text(width: Double, height: Double) -> String {
    let size = "\(Self.number(width)) \(Self.number(height))"
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(size)" \
      width="\(Self.number(width))" height="\(Self.number(height))" \
      font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif">
      <rect width="100%" height="100%" fill="#fff"/>
      \(shapes.joined(separator: "\n"))
      </svg>

      """
  }

  mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, fill: String, radius: Double = 0,
    opacity: Double = 1, kind: String? = nil
  ) {
    shapes.append(
      "<rect\(Self.kind(kind)) x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" "
        + "width=\"\(Self.number(width))\" height=\"\(Self.number(height))\" fill=\"\(fill)\""
        + (radius > 0 ? " rx=\"\(Self.number(radius))\"" : "")
        + (opacity < 1 ? " fill-opacity=\"\(Self.number(opacity))\"" : "") + "/>")
  }

  mutating func frame(_ x: Double, _ y: Double, _ width: Double, _ height: Double, colour: String) {
    shapes.append(
      "<rect x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(width))\" "
        + "height=\"\(Self.number(height))\" fill=\"none\" stroke=\"\(colour)\"/>")
  }

  mutating func line(
    _ from: Point, _ to: Point, colour: String, width: Double, dashes: String? = nil
  ) {
    let dashes = dashes.map { " stroke-dasharray=\"\($0)\"" } ?? ""
    shapes.append(
      "<path d=\"M\(Self.point(from))L\(Self.point(to))\" stroke=\"\(colour)\" "
        + "stroke-width=\"\(Self.number(width))\"\(dashes)/>")
  }

  /// A line with a filled head, or a dashed one with an open head.
  mutating func arrow(
    _ from: Point, _ to: Point, colour: String, width: Double, _ head: Head, dashes: String? = nil,
    kind: String? = nil
  ) {
    let (dx, dy) = (to.x - from.x, to.y - from.y)
    let length = max(1, (dx * dx + dy * dy).squareRoot())
    let (ux, uy) = (dx / length, dy / length)
    let (long, wide) = (7 + width, 3 + 0.6 * width)
    func corner(_ side: Double) -> Point {
      (to.x - long * ux - side * wide * uy, to.y - long * uy + side * wide * ux)
    }
    let isFull = head == .full
    let back = isFull ? long - 1 : 0
    let end: Point = (to.x - back * ux, to.y - back * uy)
    let pattern = dashes ?? (isFull ? nil : "6 4")
    let dash = pattern.map { " stroke-dasharray=\"\($0)\"" } ?? ""
    let stroke = "stroke=\"\(colour)\" stroke-width=\"\(Self.number(width))\""
    let tip = "M\(Self.point(corner(1)))L\(Self.point(to))L\(Self.point(corner(-1)))"
    let cap =
      isFull
      ? "<path d=\"\(tip)Z\" fill=\"\(colour)\"/>"
      : "<path d=\"\(tip)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"1.6\"/>"
    shapes.append(
      "<g\(Self.kind(kind))><path d=\"M\(Self.point(from))L\(Self.point(end))\" \(stroke)\(dash)/>"
        + "\(cap)</g>")
  }

  mutating func dot(_ centre: Point, radius: Double, fill: String) {
    shapes.append(
      "<circle cx=\"\(Self.number(centre.x))\" cy=\"\(Self.number(centre.y))\" "
        + "r=\"\(Self.number(radius))\" fill=\"\(fill)\"/>")
  }

  /// The sign of a sum.
  mutating func sigma(_ centre: Point, colour: String) {
    dot(centre, radius: 9, fill: colour)
    text("Σ", centre.x, centre.y + 4.5, size: 13, colour: "#fff", anchor: "middle")
  }

  mutating func text(
    _ text: String, _ x: Double, _ y: Double, size: Double, colour: String = "#222",
    anchor: String = "start", weight: String = "normal"
  ) {
    shapes.append(
      "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" font-size=\"\(Self.number(size))\" "
        + "fill=\"\(colour)\" text-anchor=\"\(anchor)\" font-weight=\"\(weight)\">"
        + "\(Self.escaped(text))</text>")
  }

  // MARK: text

  private static func kind(_ kind: String?) -> String { kind.map { " class=\"\($0)\"" } ?? "" }

  private static func point(_ point: Point) -> String { "\(number(point.x)) \(number(point.y))" }

  /// Two digits after the point, and no more than needed.
  private static func number(_ value: Double) -> String {
    let text = "\((value * 100).rounded() / 100)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, letter in
      switch letter {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      default: result.append(letter)
      }
    }
  }

  /// Colours around most of the circle, of about equal weight.
  ///
  /// - Parameter hue: 0 ... 1.
  static func colour(hue: Double) -> String {
    // Anchors that stay apart for colour-blind readers, neighbours mixed in between.
    let anchors: [(Double, Double, Double)] = [
      (204, 51, 63), (226, 125, 38), (190, 160, 20), (76, 153, 60), (20, 148, 148), (44, 108, 190),
      (110, 76, 178), (176, 62, 142),
    ]
    let place = min(max(hue * Double(anchors.count) - 0.5, 0), Double(anchors.count - 1))
    let low = Int(place)
    let high = min(low + 1, anchors.count - 1)
    let part = place - Double(low)
    func mix(_ a: Double, _ b: Double) -> String {
      let value = Int((a + (b - a) * part).rounded())
      let digits = String(value, radix: 16)
      return value < 16 ? "0" + digits : digits
    }
    let (a, b) = (anchors[low], anchors[high])
    return "#" + mix(a.0, b.0) + mix(a.1, b.1) + mix(a.2, b.2)
  }
}
