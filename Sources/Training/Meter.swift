// What happened since the last progress line: sums over steps, and the time they took, without the
// time that evaluation and checkpoints took in between.

import Strategies

/// Sums over the steps since the last progress line.
struct Meter {
  private let clock = ContinuousClock()
  private var resumed: ContinuousClock.Instant
  private var communicationThen: Double
  private var seconds = 0.0, communication = 0.0
  private var loss = 0.0, correct = 0.0, samples = 0.0, overflows = 0.0

  private let targetsPerSample: Int

  /// - Parameter targetsPerSample: loss and hits are shown per target.
  init(_ worker: Worker, targetsPerSample: Int = 1) {
    self.targetsPerSample = targetsPerSample
    resumed = clock.now
    communicationThen = worker.communicationSeconds
  }

  mutating func add(_ report: StepReport) {
    loss += report.loss
    correct += report.correct
    samples += Double(report.samples)
    overflows += Double(report.overflows)
  }

  /// The sums, to be combined over ranks where a method's reports are local.
  var sums: [Double] {
    get { [loss, correct, samples, overflows] }
    set {
      (loss, correct) = (newValue[0], newValue[1])
      (samples, overflows) = (newValue[2], newValue[3])
    }
  }

  /// Values that became infinite on the wire.
  var overflowCount: Int { Int(overflows) }

  /// Stops the clocks.
  mutating func pause(_ worker: Worker) {
    seconds += (clock.now - resumed) / .seconds(1)
    communication += worker.communicationSeconds - communicationThen
  }

  /// Lets the clocks go on.
  mutating func resume(_ worker: Worker) {
    resumed = clock.now
    communicationThen = worker.communicationSeconds
  }

  /// The progress line of the steps since the last one; starts anew.
  mutating func line(_ worker: Worker) -> LogLine {
    pause(worker)
    var line = LogLine(.progress)
    let targets = max(samples, 1) * Double(targetsPerSample)
    (line.loss, line.accuracy) = (loss / targets, correct / targets)
    line.samplesPerSecond = samples / max(seconds, 1e-9)
    line.communicationShare = communication / max(seconds, 1e-9)
    self = Meter(worker, targetsPerSample: targetsPerSample)
    return line
  }
}
