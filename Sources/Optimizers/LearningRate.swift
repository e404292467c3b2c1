// The learning rate as a pure function of where a step lies in the run: a base, scaled with the
// global batch where asked for, times a schedule's factor, times a linear warm-up (Goyal et al.:
// Accurate, large minibatch SGD, 2017, sections 2.1 and 2.2). Nothing is remembered from step to
// step, so a resumed run, or one on other ranks, has the same rates.

import Basics

/// Where a step lies in the run.
public struct RunPosition: Sendable, Equatable {
  /// 0 for the first step.
  public let step: Int
  /// Steps per pass over the data, and in the whole run.
  public let stepsPerEpoch, totalSteps: Int
  /// Steps at the beginning during which the rate ramps up.
  public let warmupSteps: Int

  /// A position; steps beyond `totalSteps` are valid and keep the schedule's last value.
  public init(step: Int, stepsPerEpoch: Int, totalSteps: Int, warmupSteps: Int = 0) {
    precondition(step >= 0, "steps count from 0")
    precondition(stepsPerEpoch > 0 && totalSteps > 0, "a run and its epochs have steps")
    (self.step, self.stepsPerEpoch, self.totalSteps) = (step, stepsPerEpoch, totalSteps)
    self.warmupSteps = warmupSteps
  }
}

/// How the rate changes over a run.
public protocol LearningRateSchedule: Sendable {
  /// Name in the catalogue.
  static var name: String { get }
  /// Factor on the base rate, at least 0. Warm-up is applied by the caller.
  func factor(at position: RunPosition) -> Double
}

/// Length of the linear ramp at the beginning.
public enum Warmup: Sendable, Equatable {
  /// So many epochs; fractions are rounded to whole steps.
  case epochs(Double)
  /// So many steps.
  case steps(Int)

  /// No ramp.
  public static let none = Warmup.steps(0)

  /// Reads `5` or `0.5` (epochs) or `500steps`.
  public init(_ text: String) throws(SettingError) {
    if text.hasSuffix("steps"), let steps = Int(text.dropLast(5)), steps >= 0 {
      self = .steps(steps)
    } else if let epochs = Double(text), epochs.isFinite, epochs >= 0, epochs < 1e6 {
      self = .epochs(epochs)
    } else {
      throw SettingError(
        setting: "warmup", value: text, allowed: "a number of epochs, or of steps as in 500steps,")
    }
  }

  /// Steps of the ramp.
  public func steps(perEpoch: Int) -> Int {
    switch self {
    case .epochs(let epochs): Int((epochs * Double(perEpoch)).rounded())
    case .steps(let steps): steps
    }
  }
}

/// A base rate with its schedule and warm-up.
public struct LearningRate: Sendable {
  /// Rate at the end of warm-up.
  public let base: Double
  /// Change over the run.
  public let schedule: any LearningRateSchedule
  /// Ramp at the beginning.
  public let warmup: Warmup

  /// A constant rate unless told otherwise.
  public init(
    _ base: Double, schedule: any LearningRateSchedule = ConstantSchedule(),
    warmup: Warmup = .none
  ) {
    precondition(base.isFinite && base >= 0, "a learning rate is a finite number of at least 0")
    (self.base, self.schedule, self.warmup) = (base, schedule, warmup)
  }

  /// The linear scaling rule: "when the minibatch size is multiplied by k, multiply the learning
  /// rate by k". `base` is the rate that suits `referenceBatch`.
  public static func linearlyScaled(_ base: Double, globalBatch: Int, referenceBatch: Int) -> Double
  {
    precondition(globalBatch > 0 && referenceBatch > 0, "batches hold samples")
    return base * Double(globalBatch) / Double(referenceBatch)
  }

  /// The rate of step `step`, counted from 0.
  ///
  /// The ramp of W steps gives step 0 the share 1/W and step W - 1 all of what the schedule says.
  public func rate(step: Int, stepsPerEpoch: Int, totalSteps: Int) -> Float {
    let ramp = warmup.steps(perEpoch: stepsPerEpoch)
    let position = RunPosition(
      step: step, stepsPerEpoch: stepsPerEpoch, totalSteps: totalSteps, warmupSteps: ramp)
    let share = step < ramp ? Double(step + 1) / Double(ramp) : 1
    return Float(base * share * schedule.factor(at: position))
  }
}
