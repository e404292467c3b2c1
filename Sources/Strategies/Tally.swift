// A step's loss, hits and votes for stopping lie right behind the gradients and are summed by the
// same all-reduce: no message of their own, and every rank knows the same outcome in the same step,
// so that all stop together when one is asked to stop or when the loss is no longer a number.

import Basics
import Kernels

/// Numbers summed over ranks at the end of the gradient buffer.
enum Tally {
  /// Floats reserved: a cache line.
  static let length = FloatBuffer.alignment

  /// Writes this rank's part. The loss is divided by the step's samples, so that the sum is a mean.
  static func write(
    _ sum: LossSum, of samples: Int, vote: Bool, overflows: Int, to place: FloatsOut
  ) {
    place[0] = Float(sum.loss / Double(max(samples, 1)))
    place[1] = Float(sum.correct)
    place[2] = vote ? 1 : 0
    place[3] = Float(overflows)
  }

  /// The outcome, once summed.
  static func read(_ place: FloatsIn, samples: Int) -> StepReport {
    StepReport(
      loss: Double(place[0]) * Double(samples), correct: Double(place[1]), samples: samples,
      isGlobal: true, stopVotes: Int(place[2]), overflows: Int(place[3]))
  }
}
