// A schedule as a space-time diagram in SVG: a line per rank, time from left to right, an arrow per
// message in the colour of the elements it carries, and beside the lines the vectors, filling up.
//
// After the diagrams of L. Lamport: Time, clocks, and the ordering of events in a distributed
// system, Communications of the ACM 21 (1978).

/// Draws what an algorithm does.
public struct ScheduleDrawing {
  let timeline: ScheduleTimeline
  private let topology: Topology
  private let title: String
  private let facts: String
  let hasPictures: Bool

  var canvas = SVGCanvas()
  private let left = 104.0
  private let top = 104.0
  private let row = 62.0
  private let slot = 124.0
  /// Size of a vector.
  let bar = (width: 50.0, height: 26.0)

  /// The SVG text of the whole all-reduce.
  ///
  /// - Throws: what the verifier has against it.
  public static func svg(
    _ algorithm: any AllReduceAlgorithm, topology: Topology, count: Int
  ) throws(ScheduleFault) -> String {
    let schedules = (0..<topology.ranks).map {
      algorithm.schedule(rank: $0, topology: topology, count: count)
    }
    try ScheduleVerifier.verify(schedules, count: count, nodes: topology.nodes)
    let table = try TransferTable(schedules, count: count, nodes: topology.nodes)
    let messages = schedules.reduce(0) { $0 + $1.messageCount }
    let elements = schedules.reduce(0) { $0 + $1.elementsSent }
    let rounds = schedules.map(\.rounds.count).max() ?? 0
    let most = schedules.map(\.elementsSent).max() ?? 0
    let traffic =
      messages == 0
      ? "no messages"
      : "\(messages) messages, \(elements) elements sent in all, at most \(most) by one rank"
    var drawing = ScheduleDrawing(
      table, topology,
      title: "\(algorithm.name): all-reduce of \(count) elements on \(topology.ranks) ranks",
      facts: "\(rounds) \(rounds == 1 ? "round" : "rounds"), \(traffic)")
    return drawing.draw()
  }

  private init(_ table: TransferTable, _ topology: Topology, title: String, facts: String) {
    timeline = ScheduleTimeline(table, nodes: topology.nodes)
    (self.topology, self.title, self.facts) = (topology, title, facts)
    // Vectors of hundreds of blocks would be grey, and the file large.
    hasPictures = timeline.pictures.count * (table.boundaries.count - 1) < 50_000
  }

  var table: TransferTable { timeline.table }
  private func x(_ time: Double) -> Double { left + bar.width / 2 + 8 + time * slot }
  private func y(_ rank: Int) -> Double { top + (Double(rank) + 0.5) * row }
  var bottom: Double { top + Double(topology.ranks) * row }

  private mutating func draw() -> String {
    let width = max(x(timeline.duration) + bar.width + 24, 860)
    drawRanks(width)
    drawClock()
    for event in timeline.events { draw(event) }
    if hasPictures { for picture in timeline.pictures { draw(picture) } }
    canvas.text(title, 24, 36, size: 20, weight: "bold")
    canvas.text(facts, 24, 60, size: 14, colour: "#555")
    let height = drawLegend() + 24
    return canvas.text(width: width, height: height)
  }

  // MARK: the background

  private mutating func drawRanks(_ width: Double) {
    let hasNodes = topology.members.contains { $0.count > 1 }
    for rank in 0..<topology.ranks {
      let node = topology.nodes[rank]
      if hasNodes {
        let isFirst = rank == 0 || topology.nodes[rank - 1] != node
        let colour = node % 2 == 0 ? "#eef2f7" : "#f8f5ee"
        canvas.rectangle(12, y(rank) - row / 2, width - 24, row, fill: colour)
        if isFirst {
          canvas.text("node \(node)", 20, y(rank) - row / 2 + 15, size: 11, colour: "#777")
        }
      }
      canvas.line(
        (left, y(rank)), (x(timeline.duration), y(rank)), colour: "#c4c9d0", width: 1.5)
      canvas.text("rank \(rank)", left - 12, y(rank) + 5, size: 14, anchor: "end")
    }
  }

  /// Numbers the times at which something begins.
  private mutating func drawClock() {
    canvas.text("time", left - 12, top - 12, size: 12, colour: "#888", anchor: "end")
    var middles: [Double: Double] = [:]
    for event in timeline.events {
      let isFence = table.entries[event.entry].kind == .fence
      let middle = isFence ? fenceX(event) : x((event.begin + event.end) / 2)
      middles[event.begin] = min(middle, middles[event.begin] ?? middle)
    }
    for (number, middle) in middles.values.sorted().enumerated() {
      canvas.text("\(number + 1)", middle, top - 12, size: 12, colour: "#888", anchor: "middle")
    }
    for time in Set(timeline.pictures.map(\.time)) {
      canvas.line((x(time), top - 4), (x(time), bottom), colour: "#e3e6ea", width: 1)
    }
  }

  /// Beside the vectors, which no fence changes.
  private func fenceX(_ event: ScheduleTimeline.Event) -> Double {
    (x(event.begin) + x(event.end)) / 2 + bar.width / 2
  }

  // MARK: transfers

  private mutating func draw(_ event: ScheduleTimeline.Event) {
    let entry = table.entries[event.entry]
    let rank = Int(entry.rank)
    let colour = colour(entry.range)
    let margin = bar.width / 2 + 3
    let (start, end) = (x(event.begin) + margin, x(event.end) - margin)
    switch entry.kind {
    case .receive:
      canvas.arrow(
        (start, y(Int(entry.peer))), (end, y(rank)), colour: colour, width: weight(entry.range),
        entry.adds ? .full : .open, kind: entry.adds ? "message add" : "message copy")
    case .load:
      canvas.dot((start, y(Int(entry.peer))), radius: 3, fill: colour)
      canvas.arrow(
        (start, y(Int(entry.peer))), (end, y(rank) + height(entry.range)), colour: colour,
        width: 1.4, entry.adds ? .full : .open, dashes: "1.5 3.5", kind: "load")
    case .sum:
      let (over, into) = table.groups[Int(entry.match)]
      let centre = ((start + end) / 2, y(rank))
      for peer in over {
        canvas.dot((start, y(peer)), radius: 2.5, fill: "#5b6470")
        canvas.line((start, y(peer)), centre, colour: colour, width: 1.2, dashes: "1.5 3.5")
      }
      for peer in into {
        let target = (end, y(peer) + (into.count > 1 ? height(entry.range) : 0))
        canvas.arrow(centre, target, colour: colour, width: 1.4, .open, kind: "store")
      }
      canvas.sigma(centre, colour: colour)
    case .add: canvas.sigma(((start + end) / 2, y(rank)), colour: colour)
    case .fence:
      let peers = topology.members[topology.nodes[rank]]
      guard peers.first == rank else { return }
      drawSpan(peers, fenceX(event), "#8a94a3", 7, kind: "fence")
    case .library:
      guard rank == 0 else { return }
      drawSpan(
        Array(0..<topology.ranks), x(event.begin + 0.5), colour, 44, kind: "library")
      canvas.text(
        "library", x(event.begin + 0.5), y(0) + 4, size: 10, colour: "#fff", anchor: "middle")
    case .send: break
    }
  }

  /// A bar over all of some ranks, which meet.
  private mutating func drawSpan(
    _ ranks: [Int], _ middle: Double, _ colour: String, _ width: Double, kind: String
  ) {
    guard let first = ranks.first, let last = ranks.last else { return }
    canvas.rectangle(
      middle - width / 2, y(first) - 20, width, y(last) - y(first) + 40, fill: colour, radius: 3.5,
      kind: kind)
  }

  /// Where in a vector's height arrows out of memory end, so that several stay apart.
  private func height(_ range: Range<Int>) -> Double {
    let middle = Double(range.lowerBound + range.upperBound) / 2
    return bar.height * (middle / Double(max(1, table.count)) - 0.5)
  }

  // MARK: vectors

  /// Blocks as high as the share of ranks whose contributions are in them.
  private mutating func draw(_ picture: ScheduleTimeline.Picture) {
    let ranks = Double(topology.ranks)
    drawVector(x(picture.time) - bar.width / 2, y(picture.rank) - bar.height / 2) {
      Double(picture.counts[$0]) / ranks
    }
  }

  mutating func drawVector(_ x: Double, _ y: Double, share: (Int) -> Double) {
    canvas.rectangle(x, y, bar.width, bar.height, fill: "#fff")
    let scale = bar.width / Double(max(1, table.count))
    for interval in 0..<table.boundaries.count - 1 {
      let elements = table.elements(interval)
      let share = share(interval)
      canvas.rectangle(
        x + Double(elements.lowerBound) * scale, y + bar.height * (1 - share),
        Double(elements.count) * scale, bar.height * share, fill: colour(elements),
        opacity: share < 1 ? 0.55 : 1)
    }
    canvas.frame(x, y, bar.width, bar.height, colour: "#5b6470")
  }

  /// The hue of the middle element; what is all of the vector has none.
  private func colour(_ range: Range<Int>) -> String {
    guard range.count < table.count else { return "#3f4854" }
    let middle = Double(range.lowerBound + range.upperBound) / 2
    return SVGCanvas.colour(hue: middle / Double(max(1, table.count)))
  }

  /// Longer messages are wider.
  private func weight(_ range: Range<Int>) -> Double {
    1.2 + 2.8 * (Double(range.count) / Double(max(1, table.count))).squareRoot()
  }
}
