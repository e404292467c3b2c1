// Events in the order of time, and, at one time, in the order in which they were foreseen: so that
// a simulation gives the same result every time. A binary heap: O(log events) each.

/// Something that will happen.
struct Event {
  enum Kind: UInt8 {
    /// A process goes on.
    case resume
    /// A message begins to leave; its last byte has left.
    case begin, end
    /// A shared processor finishes the shortest of its tasks.
    case processor
  }

  var time: Double
  var kind: Kind
  /// The process, message or processor.
  var subject: Int32
  /// Foreseen under circumstances that had this number; under others it does not happen.
  var version: UInt32
  fileprivate var order: UInt64 = 0

  init(_ kind: Kind, _ subject: Int, at time: Double, version: UInt32 = 0) {
    (self.kind, self.subject, self.time, self.version) = (kind, Int32(subject), time, version)
  }

  fileprivate func isBefore(_ other: Event) -> Bool {
    time < other.time || (time == other.time && order < other.order)
  }
}

/// A priority queue of events.
struct EventQueue {
  private var heap: [Event] = []
  private var count: UInt64 = 0

  /// When the next event happens.
  var nextTime: Double? { heap.first?.time }

  mutating func push(_ event: Event) {
    var event = event
    event.order = count
    count += 1
    heap.append(event)
    var place = heap.count - 1
    while place > 0 {
      let above = (place - 1) / 2
      guard event.isBefore(heap[above]) else { break }
      heap[place] = heap[above]
      place = above
    }
    heap[place] = event
  }

  mutating func pop() -> Event? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return first }
    var place = 0
    while true {
      var below = 2 * place + 1
      guard below < heap.count else { break }
      if below + 1 < heap.count, heap[below + 1].isBefore(heap[below]) { below += 1 }
      guard heap[below].isBefore(last) else { break }
      heap[place] = heap[below]
      place = below
    }
    heap[place] = last
    return first
  }
}
