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
    folder: RunFolder, job: Job, style: ProgressStyle, resumedAt step: Int?, total: Int,
    stepsPerEpoch: Int
  ) throws(FileError) {
    log = try RunLog(path: folder("log.jsonl"), keepingUpTo: step)
    lines = log.earlier
    progress = Progress(style: style, firstStep: step ?? 0, total: total)
    curvesPath = folder("curves.svg")
    title = "\(job.model) on \(job.data), \(job.strategy), \(job.optimizer), batch \(job.batch)"
    epochs = (total - 1) / stepsPerEpoch + 1
    self.stepsPerEpoch = stepsPerEpoch
    began = clock.now
  }

  /// Writes a line and shows what a person wants to see of it.
  func report(_ line: LogLine) {
    var line = line
    line.seconds = (clock.now - began) / .seconds(1)
    lines.append(line)
    attempt { () throws(FileError) in try log.write(line) }
    if let note = line.note { progress.say(note) }
    switch line.event {
    case .progress: progress.show(line, epochs: epochs)
    case .evaluation:
      progress.say(
        "epoch \(line.epoch ?? 0)/\(epochs)  step \(line.step ?? 0)"
          + "  held-out loss \(Progress.digits(line.heldOutLoss, 4))"
          + "  held-out accuracy \(Progress.digits(line.heldOutAccuracy, 4))")
      drawCurves()
    case .end:
      progress.close()
      drawCurves()
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
