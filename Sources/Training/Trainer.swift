// Training: the loop, on one screen, and what surrounds it.

import Basics
import Foundation
import Kernels
import Layers
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
  /// The run's folder; on other ranks than the first, which alone writes, empty if it was left open.
  public let place: String
  private let folder: CheckpointFolder
  private let claim: RunFolder?  // rank 0
  private let reporter: Reporter?  // rank 0
  private var step = 0
  private var heldOut: HeldOut?
  private var lastSaved: Int?
  private let trace: Trace?
  private let tracedSteps: Int

  /// Loads, plans and, where asked for, restores. Collective; errors reach all ranks.
  ///
  /// - Parameters:
  ///   - own: a model that is in no catalogue; the job's `model` is what the run calls it.
  ///   - folder: the run's folder; made if missing. A run that it holds already is only touched
  ///     with `resume`. nil: a new one, `runs/MODEL-DATA-STRATEGY-NUMBER`.
  ///   - resume: goes on from the newest whole checkpoint; begins anew if there is none.
  ///   - tracedSteps: steps of which `trace.json` tells, after two to warm up; 0: no such file.
  public init(
    _ job: Job, model own: ModelRecipe? = nil, folder wanted: String?, resume: Bool,
    style: ProgressStyle, tracedSteps: Int = 0,
    over communicator: any Communicator, kernels: KernelTable
  ) throws {
    (self.job, self.communicator) = (job, communicator)
    agreement = Agreement(over: communicator)
    let isReporter = communicator.rank == 0
    // Rank 0 alone reads files; an empty text stands for none.
    let text = try agreement.agree {
      guard isReporter, resume, let wanted else { return "" }
      return try Tuning.stored(inRun: wanted)?.yaml() ?? ""
    }
    let shared = try agreement.share(text)
    let stored = shared.isEmpty ? nil : try Tuning(yaml: shared)
    self.tracedSteps = tracedSteps
    trace = tracedSteps > 0 ? Trace() : nil
    let assembly = try Assembly(
      job, model: own, stored: stored, trace: trace, over: communicator, kernels: kernels)
    // A job that cannot be run leaves no folder.
    let claim = try agreement.agree {
      guard isReporter else { return RunFolder?.none }
      return try RunFolder(wanted ?? RunFolder.fresh(for: job), resume: resume)
    }
    self.claim = claim
    let run = wanted ?? claim?.path ?? ""
    let folder = CheckpointFolder(run: run)
    (place, self.folder) = (run, folder)
    self.assembly = assembly
    let restored = resume ? try Restoration.run(assembly, from: folder, agreement) : nil
    step = restored?.step ?? 0
    lastSaved = restored?.step
    let (start, total) = (step, assembly.totalSteps)
    reporter = try agreement.agree {
      guard let claim else { return nil }
      guard start <= total else {
        throw UsageError(
          "\(run) is at step \(start) already, beyond the \(total) steps that are asked for")
      }
      try AtomicFile.makeFolder(folder.path)
      try AtomicFile.write(Data(try job.yaml().utf8), to: claim("job.yaml"))
      if let tuning = assembly.tuning {
        try AtomicFile.write(Data(try tuning.yaml().utf8), to: claim(Tuning.fileName))
      }
      return try Reporter(
        folder: claim, job: job, style: style, resumedAt: restored == nil ? nil : start,
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
    // A stop that was asked for while data were loading needs no step.
    if try agreement.reduce(StopSignal.isRaised ? 1 : 0, .maximum) > 0, step < assembly.totalSteps {
      if lastSaved != step { try save() }
      return try end("stopped", (clock.now - began) / .seconds(1))
    }
    let names = (step: trace?.number(of: "step") ?? 0, data: trace?.number(of: "read data") ?? 0)
    var untilTrace = 2
    var meter = Meter(worker, targetsPerSample: assembly.reader.dataset.targetsPerSample)
    while step < assembly.totalSteps {
      if let trace, !trace.isRecording, untilTrace == 0 {
        try communicator.barrier()
        trace.synchronise()
        trace.isRecording = true
      }
      let start = trace.start
      let position = assembly.reader.cut.position(ofStep: step)
      let batch = assembly.reader.read(step: position.step, epoch: position.epoch)
      trace?.record(names.data, Trace.Track.work, since: start)
      worker.wantsToStop = StopSignal.isRaised || reporter?.failure != nil
      let report = try assembly.strategy.step(batch)
      step += 1
      meter.add(report)
      trace?.record(names.step, Trace.Track.work, since: start)
      untilTrace -= 1
      let isTraced = untilTrace == -tracedSteps || step == assembly.totalSteps
      if let trace, trace.isRecording, isTraced { try write(trace, meter: &meter) }

      let endsEpoch = step % assembly.stepsPerEpoch == 0
      let isLast = step == assembly.totalSteps
      let isDue = step <= 20 || step % job.logEvery == 0 || endsEpoch || isLast
      let stops = try settle(report, &meter, isDue: isDue) && !isLast
      if isDue { self.report(&meter) }
      let isCheckpoint = job.checkpointEvery.map { step % $0 == 0 } ?? endsEpoch
      meter.pause(worker)
      if endsEpoch || isLast { try evaluate() }
      if isCheckpoint || isLast || stops { try save() }
      meter.resume(worker)
      if stops { return try end("stopped", (clock.now - began) / .seconds(1)) }
    }
    if heldOut == nil { try evaluate() }
    if lastSaved != step { try save() }
    return try end("done", (clock.now - began) / .seconds(1))
  }

  /// Writes `trace.json` and records no more. Collective.
  private func write(_ trace: Trace, meter: inout Meter) throws {
    meter.pause(assembly.worker)
    trace.isRecording = false
    let data = try TraceFile(communicator: communicator).gather(trace)
    try agreement.agree {
      if let data, let claim { try AtomicFile.write(data, to: claim(TraceFile.name)) }
    }
    reporter?.say("trace of \(tracedSteps) steps: \(claim?(TraceFile.name) ?? "")")
    meter.resume(assembly.worker)
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
      (loss, votes) = (sums[0], sums.last ?? 0)
    }
    try check(loss, overflows: meter.overflowCount)
    return votes > 0
  }

  /// Ends the run on all ranks unless `value`, which all of them have, is a number.
  private func check(_ value: Double, overflows: Int = 0) throws {
    guard !value.isFinite else { return }
    let untold = try agreement.reduce(Double(assembly.worker.untoldOverflows), .sum)
    var line = LogLine(.end)
    (line.step, line.outcome) = (step, "diverged")
    line.report(overflows: overflows + Int(untold), wire: assembly.worker.wire, by: step)
    reporter?.report(line)
    let last = folder.files.last
    try agreement.agree { throw Divergence(step: step, checkpoint: last) }
  }

  /// The epoch that the last step belongs to, from 1.
  private var epoch: Int { max(step - 1, 0) / assembly.stepsPerEpoch + 1 }

  private func report(_ meter: inout Meter) {
    let overflows = meter.overflowCount
    var line = meter.line(assembly.worker)
    guard let reporter else { return }
    (line.epoch, line.step) = (epoch, step)
    line.report(overflows: overflows, wire: assembly.worker.wire, by: step)
    line.learningRate = Double(assembly.worker.learningRate(step))
    line.bytesSent = communicator.traffic.bytes
    reporter.report(line)
  }

  private func evaluate() throws {
    let figures = try assembly.evaluation.run(at: try assembly.strategy.model())
    try check(figures.loss)
    heldOut = figures
    var line = LogLine(.evaluation)
    (line.epoch, line.step) = (epoch, step)
    (line.heldOutLoss, line.heldOutAccuracy) = (figures.loss, figures.accuracy)
    reporter?.report(line)
  }

  private func save() throws {
    // A step's loss says nothing about the update that followed it: no checkpoint of parameters
    // that are not numbers may push out a good one.
    let worker = assembly.worker
    let squares = worker.kernels.sumOfSquares(
      worker.replica.layout.count, x: try assembly.strategy.model())
    try check(try agreement.reduce(squares.isFinite ? 0 : 1, .maximum) == 0 ? 0 : .nan)
    var facts = assembly.facts
    (facts.step, facts.updates) = (step, worker.replica.updates)
    let data = try Checkpoint(worker: worker, strategy: assembly.strategy).encode(facts)
    try agreement.agree {
      // A log that could not be written is why the run stops: say so before anything else fails.
      if let failure = reporter?.failure { throw failure }
      if let data { try folder.store(data, step: step, keep: job.keep) }
    }
    lastSaved = step
    var line = LogLine(.checkpoint)
    (line.epoch, line.step, line.path) = (epoch, step, folder.file(step: step))
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
    let ranks = communicator.size == 1 ? "1 rank" : "\(communicator.size) ranks"
    let lanes = job.lanes.map { ", lanes \($0)" } ?? ""
    reporter.say(
      "\(job.model) (\(Progress.thousands(Double(line.parameters ?? 0))) parameters) on \(job.data)"
        + " (\(Progress.thousands(Double(assembly.facts.samples))) samples), \(ranks), method"
        + " \(job.strategy), \(job.optimizer), batch \(job.batch)\(lanes), \(kernels.instructionSet)"
        + (step > 0 ? ", resumed at step \(step)" : ""))
  }
}
