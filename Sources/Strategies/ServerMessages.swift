// What travels between a parameter server and its workers. A worker pushes: a note, and behind it
// the values it speaks of. The server answers: a note, and its own values. Two roles, two ends:
//
//   worker              server
//   exchange  --note-->  next       whoever comes first, or the next in turn
//             -values->  take       only if the note announces any
//             <--note--  answer
//             <-values-
//
// A worker has one push under way at a time, so a note and its values find each other by the sender
// and their tags. Notes hold counts exactly and are read by the program that wrote them.

import Messaging

/// What a worker says with a push.
struct PushNote {
  /// Floats that follow; 0 where the worker had nothing to compute in this step.
  var valueCount = 0
  /// Samples behind the values, the sum of their losses, and how many were right.
  var samples = 0, loss = 0.0, correct = 0
  /// Whether the worker was asked to stop.
  var wantsToStop = false
}

/// What the server says with its values.
struct PullNote {
  /// The last step to make, counted from this start of the run.
  var lastStep = Int.max
  /// Whether it is the last one because a loss was not a number.
  var isDivergence = false
}

/// Whom a server serves next.
enum ServingOrder: String, CaseIterable {
  /// Whoever has come first. What was computed from which parameters depends on the ranks' speeds.
  case arrival
  /// One worker after the other, each when it is its turn (Langford, Smola, Zinkevich: Slow
  /// learners are fast, NIPS 2009): the same bits in every run, at the speed of the slowest.
  case roundRobin = "round-robin"
}

private enum Tag {
  static let push = 2_000, pushed = 2_001, pull = 2_002, pulled = 2_003
}

/// A note at an address of its own, as messages need it.
private final class NoteBox<Note: BitwiseCopyable> {
  let pointer: UnsafeMutablePointer<Note>

  init(_ note: Note) {
    pointer = .allocate(capacity: 1)
    pointer.initialize(to: note)
  }

  deinit { pointer.deallocate() }

  var bytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: pointer, count: MemoryLayout<Note>.size)
  }
}

/// A worker's end.
final class WorkerLink {
  private let communicator: any Communicator
  private let server: Int
  private let push = NoteBox(PushNote()), pull = NoteBox(PullNote())

  /// - Parameter server: the rank that serves.
  init(_ communicator: any Communicator, server: Int) {
    (self.communicator, self.server) = (communicator, server)
  }

  /// Pushes `values`, and waits for the server's answer. What the server holds then lies in `fresh`.
  func exchange(
    _ note: PushNote, _ values: UnsafeBufferPointer<Float>,
    into fresh: UnsafeMutableBufferPointer<Float>
  ) throws(MessagingError) -> PullNote {
    push.pointer.pointee = note
    push.pointer.pointee.valueCount = values.count
    // The answer has its place before the question is asked: the server never waits to be heard.
    let answer = try communicator.startReceive(into: pull.bytes, from: server, tag: Tag.pull)
    let pulled = try communicator.startReceive(into: fresh, from: server, tag: Tag.pulled)
    try communicator.send(UnsafeRawBufferPointer(push.bytes), to: server, tag: Tag.push)
    if !values.isEmpty { try communicator.send(values, to: server, tag: Tag.pushed) }
    _ = try communicator.wait(answer)
    _ = try communicator.wait(pulled)
    return pull.pointer.pointee
  }
}

/// A server's end.
final class ServerLink {
  private let communicator: any Communicator
  private let workers: Range<Int>
  private let order: ServingOrder
  private let push = NoteBox(PushNote()), pull = NoteBox(PullNote())
  private var turn = 0
  private var leaving: (note: Request, values: Request)?

  /// - Parameter workers: the ranks that push.
  init(_ communicator: any Communicator, workers: Range<Int>, order: ServingOrder) {
    (self.communicator, self.workers, self.order) = (communicator, workers, order)
  }

  /// Waits for the next push, and returns its note.
  func next() throws(MessagingError) -> (worker: Int, note: PushNote) {
    let peer = order == .arrival ? nil : workers.lowerBound + turn
    turn = (turn + 1) % workers.count
    let message = try communicator.receive(into: push.bytes, from: peer, tag: Tag.push)
    return (message.peer, push.pointer.pointee)
  }

  /// Receives the values that a worker's note announced; a push of more than there is room for is
  /// an error.
  func take(from worker: Int, into values: UnsafeMutableBufferPointer<Float>)
    throws(MessagingError)
  {
    try communicator.receive(into: values, from: worker, tag: Tag.pushed)
  }

  /// Begins to send a worker what it waits for. `values` must stay as they are until `settle`.
  func answer(_ worker: Int, _ note: PullNote, _ values: UnsafeBufferPointer<Float>)
    throws(MessagingError)
  {
    try settle()
    pull.pointer.pointee = note
    leaving = (
      try communicator.startSend(UnsafeRawBufferPointer(pull.bytes), to: worker, tag: Tag.pull),
      try communicator.startSend(values, to: worker, tag: Tag.pulled)
    )
  }

  /// Waits until the last answer has left, whose values may change from then on.
  func settle() throws(MessagingError) {
    guard let (note, values) = leaving else { return }
    leaving = nil
    _ = try communicator.wait(note)
    _ = try communicator.wait(values)
  }
}
