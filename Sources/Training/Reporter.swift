// What a run tells: the log for machines, progress for whoever watches, curves for whoever looks
// later. Lives on rank 0 only.

import Foundation
import Strategies

/// Rank 0's reports of one run.
final class Reporter {
  /// The first failure to write; the loop asks for it between steps.
  private(set) var failure: FileError?

  private let log: RunLog
  private let progress: Progress
  private let curvesPath, title: String
  private let epochs, stepsPerEpoch: Int
  private var lines: [LogLine]
  private let clock = ContinuousClock()
  private let began: ContinuousClock.Instant

  init(
    folder: String, job: Job, style: ProgressStyle, resumedAt step: Int?, total: Int,
    stepsPerEpoch: Int
  ) throws(FileError) {
    func path(_ name: String) -> String { (folder as NSString).appendingPathComponent(name) }
    log = try RunLog(path: path("log.jsonl"), keepingUpTo: step)
    lines = log.earlier
    progress = Progress(style: style, firstStep: step ?? 0, total: total)
    curvesPath = path("curves.svg")
    title = "\(job.model) on \(job.data), \(job.strategy), \(job.optimizer), batch \(job.batch)"
    epochs = (total + stepsPerEpoch - 1) / stepsPerEpoch
    self.stepsPerEpoch = stepsPerEpoch
    began = clock.now
  }

  /// Writes a line and shows what a person wants to see of it.
  func report(_ line: LogLine) {
    var line = line
    line.seconds = (clock.now - began) / .seconds(1)
    lines.append(line)
    attempt { () throws(FileError) in try log.write(line) }
    switch line.event {
    case .progress: progress.show(line, epochs: epochs)
    case .evaluation:
      progress.say(
        "epoch \(line.epoch ?? 0)/\(epochs)  step \(line.step ?? 0)"
          + "  held-out loss \(Progress.digits(line.heldOutLoss, 4))"
          + "  held-out accuracy \(Progress.digits(line.heldOutAccuracy, 4))")
      drawCurves()
    case .end: drawCurves()
    case .start, .checkpoint: break
    }
  }

  /// A line for the person who watches.
  func say(_ text: String) { progress.say(text) }

  private func drawCurves() {
    let svg = CurvePlot().svg(lines, title: title, stepsPerEpoch: stepsPerEpoch)
    attempt { () throws(FileError) in try AtomicFile.write(Data(svg.utf8), to: curvesPath) }
  }

  private func attempt(_ body: () throws(FileError) -> Void) {
    do throws(FileError) { try body() } catch { failure = failure ?? error }
  }
}

/// Sums over the steps since the last progress line.
struct Meter {
  private let clock = ContinuousClock()
  private var began: ContinuousClock.Instant
  private var communication: Double
  private var loss = 0.0, correct = 0.0, samples = 0.0

  init(_ worker: Worker) {
    began = clock.now
    communication = worker.communicationSeconds
  }

  mutating func add(_ report: StepReport) {
    loss += report.loss
    correct += report.correct
    samples += Double(report.samples)
  }

  /// The sums, to be combined over ranks where a method's reports are local.
  var sums: [Double] {
    get { [loss, correct, samples] }
    set { (loss, correct, samples) = (newValue[0], newValue[1], newValue[2]) }
  }

  /// The progress line of the steps since the last one; starts anew.
  mutating func line(_ worker: Worker) -> LogLine {
    let now = clock.now
    let seconds = max((now - began) / .seconds(1), 1e-9)
    var line = LogLine(.progress)
    line.loss = loss / max(samples, 1)
    line.accuracy = correct / max(samples, 1)
    line.samplesPerSecond = samples / seconds
    line.communicationShare = (worker.communicationSeconds - communication) / seconds
    self = Meter(worker)
    return line
  }

  /// Leaves out the time that passed since the last line (evaluation, checkpoints).
  mutating func restart(_ worker: Worker) {
    let kept = sums
    self = Meter(worker)
    sums = kept
  }
}
