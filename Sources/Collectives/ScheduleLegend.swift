// The legend of a drawing: of all signs, those that occur in it.

extension ScheduleDrawing {
  /// What occurs in the drawing; gives its lower end.
  mutating func drawLegend() -> Double {
    let kinds = Set(
      timeline.events.map { event in
        let entry = table.entries[event.entry]
        return entry.kind == .receive ? (entry.adds ? "add" : "copy") : "\(entry.kind)"
      })
    var y = bottom + 34
    func item(_ text: String, _ symbol: (inout SVGCanvas, Double) -> Void) {
      symbol(&canvas, y)
      canvas.text(text, 100, y + 5, size: 13, colour: "#333")
      y += 30
    }
    let ink = "#3f4854"
    if hasPictures {
      drawVector(24, y - bar.height / 2) { _ in 0.6 }
      canvas.text(
        "a rank's vector: every block is filled by the share of ranks whose values are in it; full "
          + "blocks are finished sums", 100, y + 5, size: 13, colour: "#333")
      y += 34
    }
    if kinds.contains("add") {
      item("message: the receiver adds it to its own values (wide: long; colour: which elements)") {
        $0.arrow((24, $1), (84, $1), colour: ink, width: 2.4, .full)
      }
    }
    if kinds.contains("copy") {
      item("message: a finished sum, which overwrites the receiver's values") {
        $0.arrow((24, $1), (84, $1), colour: ink, width: 2.4, .open)
      }
    }
    if kinds.contains("load") {
      item("read straight out of the other rank's memory") {
        $0.dot((24, $1), radius: 3, fill: ink)
        $0.arrow((24, $1), (84, $1), colour: ink, width: 1.4, .open, dashes: "1.5 3.5")
      }
    }
    if kinds.contains("sum") {
      item("summed straight out of the memory of the ranks with dots, stored where arrows lead") {
        $0.sigma((54, $1), colour: ink)
      }
    }
    if kinds.contains("fence") {
      item("fence: the ranks of the node wait for each other") {
        $0.rectangle(50, $1 - 11, 7, 22, fill: "#8a94a3", radius: 3.5)
      }
    }
    if kinds.contains("library") {
      item("the messaging library's own all-reduce") {
        $0.rectangle(34, $1 - 11, 40, 22, fill: ink, radius: 3.5)
      }
    }
    return y - 10
  }
}
