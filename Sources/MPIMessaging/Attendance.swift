// A rank that leaves the job while others still count on it must not leave them waiting for ever.
//
// Leaving costs no messages but a barrier's: who leaves stays until all do, and answers questions
// meanwhile. Whoever waits for more than about a second asks those it may be waiting for; ranks
// that are still at work do not answer, which means "wait". For a collective call the question
// says which call it is, because a rank that has joined it may rightly leave before it is complete
// everywhere. Questions travel on a communicator of their own.
//
// Cost of a wait that goes on: one message of 16 bytes per peer asked; a receive, send or fence
// asks one peer at a time, a collective call one more neighbour per quarter of a second.

import CMPI
import Messaging

/// Which collective calls this rank has joined on one communicator; outlives the communicator.
final class Ledger {
  /// The same on all ranks of the communicator, and different on any other.
  let identity: Int
  /// Collective calls begun.
  var joined = 0

  init(identity: Int) { self.identity = identity }
}

/// Who has left the job.
final class Attendance {
  /// What a waiting rank wants to know: have you left, and did you join this call before?
  struct Question: Equatable {
    var identity = 0
    var call = 0
  }

  /// What a rank that has left says.
  enum Answer: Int { case left, leftAfterJoining }

  /// A question to one rank; at most one is open.
  private final class Inquiry {
    let memory = UnsafeMutablePointer<Int>.allocate(capacity: 3)
    var question = Question()
    var requests: (question: Request, answer: Request)?

    deinit { memory.deallocate() }
  }

  private static let questionTag = 1, answerTag = 2

  private let control: MPICommunicator
  private var ledgers: [Int: Ledger] = [:]
  private var inquiries: [Int: Inquiry] = [:]

  /// - Parameter control: all ranks of the job; used by nobody else.
  init(_ control: MPICommunicator) { self.control = control }

  /// Makes a communicator's calls known to later answers.
  func register(_ ledger: Ledger) { ledgers[ledger.identity] = ledger }

  /// What a rank of the job says; nil as long as it says nothing. Asks if it has not been asked.
  func answer(of rank: Int, to question: Question) throws(MessagingError) -> Answer? {
    guard rank != control.rank else { return nil }
    let inquiry = inquiries[rank] ?? Inquiry()
    if inquiries[rank] != nil {
      guard try isClosed(inquiry) else { return nil }
      // Having left is for ever, but the calls joined have to be asked for one by one.
      if inquiry.question == question || question.call == 0 {
        return Answer(rawValue: inquiry.memory[2])
      }
    }
    inquiries[rank] = inquiry
    inquiry.question = question
    (inquiry.memory[0], inquiry.memory[1]) = (question.identity, question.call)
    let answer = try control.startReceive(
      into: Self.bytes(inquiry.memory + 2, 1), from: rank, tag: Self.answerTag)
    let asked = try control.startSend(
      UnsafeRawBufferPointer(Self.bytes(inquiry.memory, 2)), to: rank, tag: Self.questionTag)
    inquiry.requests = (asked, answer)
    return nil
  }

  /// Stays until all ranks of the job have come to leave, answering those who still wait. Ends
  /// with no message under way.
  func leave() throws(MessagingError) {
    var patience = Patience(isCrowded: true)
    var barrier: Request?
    while true {
      try answerAll()
      if let barrier {
        if try control.test(barrier) != nil { return }
      } else if try allClosed() {
        barrier = try control.startBarrier()
      }
      patience.pause()
    }
  }

  private func answerAll() throws(MessagingError) {
    while let message = try control.probe(from: nil, tag: Self.questionTag) {
      let memory = UnsafeMutablePointer<Int>.allocate(capacity: 2)
      defer { memory.deallocate() }
      try control.receive(
        into: Self.bytes(memory, 2), from: message.peer, tag: Self.questionTag)
      let hasJoined = ledgers[memory[0]].map { $0.joined >= memory[1] } ?? false
      memory[0] = (hasJoined ? Answer.leftAfterJoining : .left).rawValue
      try control.send(
        UnsafeRawBufferPointer(Self.bytes(memory, 1)), to: message.peer, tag: Self.answerTag)
    }
  }

  private func allClosed() throws(MessagingError) -> Bool {
    for inquiry in inquiries.values where try !isClosed(inquiry) { return false }
    return true
  }

  private func isClosed(_ inquiry: Inquiry) throws(MessagingError) -> Bool {
    guard let requests = inquiry.requests else { return true }
    guard try control.test(requests.answer) != nil else { return false }
    _ = try control.wait(requests.question)
    inquiry.requests = nil
    return true
  }

  private static func bytes(_ memory: UnsafeMutablePointer<Int>, _ count: Int)
    -> UnsafeMutableRawBufferPointer
  {
    UnsafeMutableRawBufferPointer(
      start: memory, count: count * MemoryLayout<Int>.stride)
  }
}
