// Training: the loop, on one screen, and what surrounds it.

import Basics
import Foundation
import Kernels
import Messaging
import Strategies

/// How a run ended.
public struct Ending: Sendable, Equatable {
  /// Whether it was stopped on request and can be resumed.
  public let isStopped: Bool
  /// Steps made in all, and seconds of this start.
  public let step: Int
  public let seconds: Double
  /// The last held-out figures.
  public let heldOut: HeldOut?
}

/// Trains a job on one rank; all ranks make one and run it.
public final class Trainer {
  private let job: Job
  private let communicator: any Communicator
  private let agreement: Agreement
  private let assembly: Assembly
  private let folder: CheckpointFolder
  private let reporter: Reporter?  // rank 0
  private var step = 0
  private var heldOut: HeldOut?
  private var lastSaved: Int?

  /// Loads, plans and, where asked for, restores. Collective; errors reach all ranks.
  ///
  /// - Parameters:
  ///   - folder: the run's folder; made if missing. A run that it holds already is only touched
  ///     with `resume`.
  ///   - resume: goes on from the newest whole checkpoint; begins anew if there is none.
  public init(
    _ job: Job, folder run: String, resume: Bool, style: ProgressStyle,
    over communicator: any Communicator, kernels: KernelTable
  ) throws {
    (self.job, self.communicator) = (job, communicator)
    agreement = Agreement(over: communicator)
    let isReporter = communicator.rank == 0
    let folder = CheckpointFolder(run: run)
    self.folder = folder
    try agreement.agree {
      guard isReporter, !resume, !folder.files.isEmpty else { return }
      throw UsageError(
        "\(run) holds a run already: add --resume to go on with it, or give another --run folder")
    }
    let assembly = try Assembly(job, over: communicator, kernels: kernels)
    self.assembly = assembly
    let restored = resume ? try Self.restore(assembly, from: folder, agreement) : nil
    step = restored?.step ?? 0
    lastSaved = restored?.step
    let (start, total) = (step, assembly.totalSteps)
    reporter = try agreement.agree {
      guard isReporter else { return nil }
      try AtomicFile.makeFolder(folder.path)
      try AtomicFile.write(
        Data(try job.yaml().utf8), to: (run as NSString).appendingPathComponent("job.yaml"))
      return try Reporter(
        folder: run, job: job, style: style, resumedAt: restored == nil ? nil : start,
        total: total, stepsPerEpoch: assembly.stepsPerEpoch)
    }
    announce(kernels, note: restored?.note)
  }

  /// Trains to the end of the job, or until one rank is asked to stop. Collective.
  public func run() throws -> Ending {
    let clock = ContinuousClock()
    let began = clock.now
    let worker = assembly.worker
    Denormals.flush()
    var meter = Meter(worker)
    while step < assembly.totalSteps {
      let (epoch, place) = step.quotientAndRemainder(dividingBy: assembly.stepsPerEpoch)
      let batch = assembly.reader.read(step: place, epoch: epoch)
      worker.wantsToStop = StopSignal.isRaised || reporter?.failure != nil
      let report = try assembly.strategy.step(batch)
      step += 1
      meter.add(report)

      let endsEpoch = step % assembly.stepsPerEpoch == 0
      let isLast = step == assembly.totalSteps
      let isDue = step <= 20 || step % job.logEvery == 0 || endsEpoch || isLast
      let stops = try settle(report, &meter, isDue: isDue)
      if isDue { self.report(meter.line(worker), epoch: epoch) }
      if endsEpoch || isLast || stops {
        if !stops { try evaluate(epoch) }
        if isLast || stops || job.checkpointEvery == nil { try save(epoch) }
        meter.restart(worker)
      }
      if let every = job.checkpointEvery, step % every == 0, !isLast, !stops {
        try save(epoch)
        meter.restart(worker)
      }
      if stops { return try end("stopped", (clock.now - began) / .seconds(1)) }
    }
    if heldOut == nil { try evaluate((step - 1) / assembly.stepsPerEpoch) }
    if lastSaved != step { try save((step - 1) / assembly.stepsPerEpoch) }
    return try end("done", (clock.now - began) / .seconds(1))
  }

  /// Combines local figures where the method's reports are local; ends the run on all ranks if the
  /// loss is not a number; says whether a rank was asked to stop.
  private func settle(_ report: StepReport, _ meter: inout Meter, isDue: Bool) throws -> Bool {
    var votes = Double(report.stopVotes)
    var loss = report.loss
    if !report.isGlobal {
      guard isDue else { return false }
      var sums = meter.sums + [assembly.worker.wantsToStop ? 1 : 0]
      try agreement.reduce(&sums, .sum)
      meter.sums = Array(sums.dropLast())
      (loss, votes) = (sums[0], sums[3])
    }
    if !loss.isFinite {
      var line = LogLine(.end)
      (line.step, line.outcome) = (step, "diverged")
      reporter?.report(line)
      let last = folder.files.last
      try agreement.agree {
        throw Divergence(step: step, checkpoint: last)
      }
    }
    return votes > 0
  }

  private func report(_ line: LogLine, epoch: Int) {
    guard let reporter else { return }
    var line = line
    (line.epoch, line.step) = (epoch + 1, step)
    line.learningRate = Double(assembly.worker.learningRate(step))
    line.bytesSent = communicator.traffic.bytes
    reporter.report(line)
  }

  private func evaluate(_ epoch: Int) throws {
    let figures = try assembly.evaluation.run(at: try assembly.strategy.model())
    heldOut = figures
    var line = LogLine(.evaluation)
    (line.epoch, line.step) = (epoch + 1, step)
    (line.heldOutLoss, line.heldOutAccuracy) = (figures.loss, figures.accuracy)
    reporter?.report(line)
  }

  private func save(_ epoch: Int) throws {
    var facts = assembly.facts
    (facts.step, facts.updates) = (step, assembly.worker.replica.updates)
    let data = try Checkpoint(worker: assembly.worker, strategy: assembly.strategy).encode(facts)
    try agreement.agree {
      // A log that could not be written is why the run stops: say so before anything else fails.
      if let failure = reporter?.failure { throw failure }
      if let data { try folder.store(data, step: step, keep: job.keep) }
    }
    lastSaved = step
    var line = LogLine(.checkpoint)
    (line.epoch, line.step, line.path) = (epoch + 1, step, folder.file(step: step))
    reporter?.report(line)
  }

  private func end(_ outcome: String, _ seconds: Double) throws -> Ending {
    var line = LogLine(.end)
    (line.step, line.outcome, line.bytesSent) = (step, outcome, communicator.traffic.bytes)
    (line.heldOutLoss, line.heldOutAccuracy) = (heldOut?.loss, heldOut?.accuracy)
    reporter?.report(line)
    try agreement.agree { if let failure = reporter?.failure { throw failure } }
    return Ending(isStopped: outcome == "stopped", step: step, seconds: seconds, heldOut: heldOut)
  }

  /// Says what begins.
  private func announce(_ kernels: KernelTable, note: String?) {
    guard let reporter else { return }
    var line = LogLine(.start)
    line.step = step
    line.ranks = communicator.size
    line.parameters = assembly.worker.replica.layout.parameterCount
    line.totalSteps = assembly.totalSteps
    line.instructionSet = "\(kernels.instructionSet)"
    line.note = note
    reporter.report(line)
    if let note { reporter.say(note) }
    let ranks = communicator.size == 1 ? "1 rank" : "\(communicator.size) ranks"
    reporter.say(
      "\(job.model) (\(Progress.thousands(Double(line.parameters ?? 0))) parameters) on \(job.data)"
        + " (\(Progress.thousands(Double(assembly.facts.samples))) samples), \(ranks), method"
        + " \(job.strategy), \(job.optimizer), batch \(job.batch), \(kernels.instructionSet)"
        + (step > 0 ? ", resumed at step \(step)" : ""))
  }

  /// Restores the newest whole checkpoint on all ranks; nil where there is none at all.
  private static func restore(
    _ assembly: Assembly, from folder: CheckpointFolder, _ agreement: Agreement
  ) throws -> (step: Int, note: String?)? {
    let isReader = assembly.worker.communicator.rank == 0
    var found: (path: String, contents: SafetensorsFile.Contents)?
    var damaged: [String] = []
    var step = -1.0
    try agreement.agree {
      guard isReader else { return }
      (found, damaged) = folder.newestValid()
      guard let found else {
        if let first = damaged.first { throw CheckpointError("no checkpoint is whole", first) }
        return
      }
      let facts = try CheckpointFacts(found.contents.metadata, path: found.path)
      try facts.check(continues: assembly.facts, path: found.path)
      step = Double(facts.step)
    }
    step = try agreement.reduce(step, .maximum)
    guard step >= 0 else { return nil }
    try Checkpoint(worker: assembly.worker, strategy: assembly.strategy)
      .restore(found?.contents, path: found?.path ?? "")
    let note =
      damaged.isEmpty
      ? nil : damaged.joined(separator: "; ") + "; going on from \(found?.path ?? "")"
    return (Int(step), note)
  }
}
