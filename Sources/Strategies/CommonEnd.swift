// Workers of an asynchronous method are at different steps; when the run must end before its time,
// all have to end after the same one. The server decides which: one that nobody has left behind
// yet. A worker that was answered k times is computing step k + 1 or further back; it hears of the
// end with its next answer. So the end lies one step beyond the furthest worker's last answer.

/// The server's knowledge of how far workers are, and of the end if there is one.
struct CommonEnd {
  /// What every answer tells.
  private(set) var note = PullNote()
  private let firstWorker: Int
  private var answers: [Int]

  /// Nobody was answered yet.
  init(workers: Range<Int>) {
    firstWorker = workers.lowerBound
    answers = Array(repeating: 0, count: workers.count)
  }

  /// Looks at a push, or at the server's own wish; the first reason to end stands.
  mutating func consider(wantsToStop: Bool, loss: Double) {
    guard note.lastStep == .max, wantsToStop || !loss.isFinite else { return }
    note = PullNote(lastStep: (answers.max() ?? 0) + 1, isDivergence: !loss.isFinite)
  }

  /// A worker's step is being answered.
  mutating func answered(_ worker: Int) { answers[worker - firstWorker] += 1 }
}

extension StepReport {
  /// The report of a step of which every rank knows whether it is the last one.
  ///
  /// Up to there a loss that is not a number is left out: the loop takes one for the end, on the
  /// rank that reports it, and all must come to it in the same step.
  init(served note: PushNote, step: Int, end: PullNote) {
    let isLast = step == end.lastStep
    self.init(
      loss: isLast && end.isDivergence ? .nan : note.loss.isFinite ? note.loss : 0,
      correct: Double(note.correct), samples: note.loss.isFinite ? note.samples : 0,
      isGlobal: true, stopVotes: isLast && !end.isDivergence ? 1 : 0)
  }
}
