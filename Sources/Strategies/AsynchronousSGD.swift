// Asynchronous SGD with a parameter server (Dean et al.: Large scale distributed deep networks,
// NIPS 2012, "Downpour SGD" with n_push = n_fetch = 1): workers do not wait for each other.
//
//   worker:  g = gradient at w of the mean over its own samples;  push g;  pull w
//   server:  on arrival of g:  w <- optimizer(w, g);  answer w
//
// The server is rank 0, which also logs, evaluates and writes checkpoints: the state that counts is
// there already. Ranks 1 ..< n work. A gradient is applied with the whole learning rate, so a step
// of the loop (one step of each worker) moves the parameters up to n - 1 times as far as a step of
// `sync`. Gradients are late by as many updates as came in between: n - 2 of them on average. Steps
// diverge beyond rate x curvature = 2 sin(pi / (2 (2 delay + 1))), not 2.
//
// With one worker it is sequential SGD, bit for bit; a rank alone serves itself. Clipping is the
// server's (each gradient's own norm). Bytes per worker and step: the parameters, there and back;
// all of it passes through rank 0.

import Basics
import Kernels
import Layers
import Messaging
import Optimizers

/// Method `async`.
public final class AsynchronousSGD: Strategy {
  public static let name = "async"
  public static let summary = "rank 0 serves parameters; the others push gradients as they come"
  public static let settings = [
    Setting(
      "order", default: ServingOrder.arrival.rawValue,
      help: "whose gradient is next: arrival, or round-robin (the same bits in every run)")
  ]

  private enum Role {
    case alone
    case server(ServerLink)
    case worker(WorkerLink)
  }

  private static let server = 0

  public static func workers(of ranks: Int) -> Range<Int> { ranks == 1 ? 0..<1 : 1..<ranks }

  private let worker: Worker
  private let role: Role
  private let order: ServingOrder
  private let workers: Range<Int>
  private let steps = StoredNumbers(1)  // of the whole run
  private var stepsHere = 0  // since this start
  private var end: CommonEnd

  public init(_ worker: Worker, _ settings: Settings) throws {
    let name = try settings.choice("order", of: ServingOrder.allCases.map(\.rawValue))
    let communicator = worker.communicator
    order = ServingOrder(rawValue: name) ?? .arrival
    workers = Self.workers(of: communicator.size)
    end = CommonEnd(workers: workers)
    self.worker = worker
    role =
      if communicator.size == 1 {
        .alone
      } else if communicator.rank == Self.server {
        .server(ServerLink(communicator, workers: workers, order: order))
      } else {
        .worker(WorkerLink(communicator, server: Self.server))
      }
  }

  public func step(_ batch: Batch) throws(MessagingError) -> StepReport {
    let report =
      switch role {
      case .alone: stepAlone(batch)
      case .server(let link): try serve(link)
      case .worker(let link): try work(batch, link)
      }
    steps[0] += 1
    return report
  }

  /// A worker's step.
  private func work(_ batch: Batch, _ link: WorkerLink) throws(MessagingError) -> StepReport {
    let (note, replica) = (gradient(of: batch), worker.replica)
    let pushed = UnsafeBufferPointer(replica.gradients[0..<note.valueCount])
    stepsHere += 1
    let answer = try worker.communicating { () throws(MessagingError) in
      try link.exchange(note, pushed, into: replica.parameters.values)
    }
    return StepReport(served: note, step: stepsHere, end: answer)
  }

  /// The server's step: as many pushes as there are workers, whoever they come from. After t steps
  /// of every rank all pushes of t steps have been applied, so that nothing is under way between
  /// ranks where the loop lets them meet.
  private func serve(_ link: ServerLink) throws(MessagingError) -> StepReport {
    let replica = worker.replica
    var total = PushNote()
    stepsHere += 1
    end.consider(wantsToStop: worker.wantsToStop, loss: 0)
    for _ in workers {
      // Waiting for somebody to come is idleness, not communication.
      let (peer, note) = try link.next()
      try worker.communicating { () throws(MessagingError) in
        if note.valueCount > 0 {
          try link.take(from: peer, into: replica.gradients[0..<replica.layout.count])
        }
        try link.settle()
      }
      if note.valueCount > 0 { applyGradient() }
      end.consider(wantsToStop: note.wantsToStop, loss: note.loss)
      end.answered(peer)
      try worker.communicating { () throws(MessagingError) in
        try link.answer(peer, end.note, UnsafeBufferPointer(replica.parameters.values))
      }
      guard note.loss.isFinite else { continue }
      total.samples += note.samples
      total.loss += note.loss
      total.correct += note.correct
    }
    try worker.communicating { () throws(MessagingError) in try link.settle() }
    return StepReport(served: total, step: stepsHere, end: end.note)
  }

  /// Worker and server in one.
  private func stepAlone(_ batch: Batch) -> StepReport {
    let note = gradient(of: batch)
    if note.valueCount > 0 { applyGradient() }
    return StepReport(
      loss: note.loss, correct: Double(note.correct), samples: note.samples, isGlobal: true,
      stopVotes: note.wantsToStop ? 1 : 0)
  }

  /// The gradient of the mean over the rank's own samples, and what to say with it.
  private func gradient(of batch: Batch) -> PushNote {
    var own = batch
    own.globalCount = batch.count
    let replica = worker.replica
    guard own.count > 0 else { return PushNote(wantsToStop: worker.wantsToStop) }
    let sum = worker.objective.gradient(
      of: own, at: FloatsIn(replica.parameters.pointer), into: replica.gradients.pointer,
      observer: nil)
    return PushNote(
      valueCount: replica.layout.count, samples: own.count, loss: sum.loss, correct: sum.correct,
      wantsToStop: worker.wantsToStop)
  }

  private func applyGradient() {
    let replica = worker.replica
    worker.update(
      0..<replica.layout.count,
      worker.nextUpdate(of: steps[0] + 1, gradientScale: worker.clippingFactor()))
    replica.updates += 1
  }

  /// In the order of arrival no two runs are alike, and after a restart all workers begin with what
  /// the server has; in turns, what each had pulled is part of the course.
  public var state: [StateVector] {
    [StateVector("steps", steps.buffer, scope: .shared)]
      + (order == .arrival
        ? [] : [StateVector("pulled", worker.replica.parameters, scope: .perRank)])
  }

  /// The server's parameters; on workers in the memory of the gradients, which are of no use
  /// between steps.
  public func model() throws(MessagingError) -> FloatsIn {
    let (replica, communicator) = (worker.replica, worker.communicator)
    let isWorker = if case .worker = role { true } else { false }
    let place = isWorker ? replica.gradients : replica.parameters
    try communicator.broadcast(place[0..<replica.layout.count], root: Self.server)
    return FloatsIn(place.pointer)
  }
}
