// The schedules: each a factor on the base rate as a function of the position in the run.

import Basics

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The same rate throughout.
public struct ConstantSchedule: LearningRateSchedule, Configurable {
  /// Name in the catalogue.
  public static let name = "constant"
  /// One line for a list.
  public static let summary = "the same rate throughout"
  /// Hyper-parameters and their defaults.
  public static let settings: [Setting] = []

  /// The factor 1.
  public init() {}
  /// Reads and checks the hyper-parameters.
  public init(_ settings: Settings) throws(SettingError) {}

  /// Factor on the base rate.
  public func factor(at position: RunPosition) -> Double { 1 }
}

/// Multiplies the rate by a factor at milestones, or every so many epochs: `factor`^(milestones
/// passed). Epochs count from the beginning of the run, warm-up included (Goyal et al. 2017: a
/// tenth at epochs 30, 60 and 80 of 90).
public struct StepSchedule: LearningRateSchedule, Configurable {
  /// Name in the catalogue.
  public static let name = "step"
  /// One line for a list.
  public static let summary = "times a factor every so many epochs, or at milestones"
  /// Hyper-parameters and their defaults.
  public static let settings = [
    Setting("factor", default: "0.1", help: "what the rate is multiplied by"),
    Setting("every", default: "", help: "epochs between two changes; else 30"),
    Setting(
      "milestones", default: "", help: "epochs of the changes, as in 30,60,80 (instead of every)"),
  ]

  /// What the rate is multiplied by at each change.
  public let change: Double
  /// Epochs between changes, used where `milestones` is empty.
  public let every: Double
  /// Epochs at which the rate changes.
  public let milestones: [Double]

  /// Changes every `every` epochs, or at `milestones` where there are any.
  public init(factor: Double = 0.1, every: Double = 30, milestones: [Double] = []) {
    precondition(every > 0, "epochs between changes must be above 0")
    (change, self.every, self.milestones) = (factor, every, milestones)
  }

  /// Reads and checks the hyper-parameters.
  public init(_ settings: Settings) throws(SettingError) {
    let every = settings.string("every"), milestones = settings.string("milestones")
    guard every.isEmpty || milestones.isEmpty else {
      throw SettingError(setting: "every", value: every, allowed: "that or milestones, not both,")
    }
    self.init(
      factor: try settings.double("factor", .above(0)),
      every: every.isEmpty ? 30 : try settings.double("every", .above(0)),
      milestones: try settings.doubles("milestones", .above(0)))
  }

  /// Factor on the base rate.
  public func factor(at position: RunPosition) -> Double {
    let epochs = Double(position.step) / Double(position.stepsPerEpoch)
    let passed =
      milestones.isEmpty
      ? (epochs / every).rounded(.down) : Double(milestones.count { $0 <= epochs })
    return pow(change, passed)
  }
}

/// Half a cosine from 1, at the end of warm-up, to `floor` at the end of the run (Loshchilov,
/// Hutter: SGDR, ICLR 2017, equation 5, without restarts). The last step lies one step's width
/// above the floor, so that no step is wasted at rate 0.
public struct CosineSchedule: LearningRateSchedule, Configurable {
  /// Name in the catalogue.
  public static let name = "cosine"
  /// One line for a list.
  public static let summary = "half a cosine from the base rate down to a floor"
  /// Hyper-parameters and their defaults.
  public static let settings = [
    Setting("floor", default: "0", help: "share of the base rate that is left at the end")
  ]

  /// Share of the base rate at the end, from 0 to 1.
  public let floor: Double

  /// Down to `floor` times the base rate.
  public init(floor: Double = 0) { self.floor = floor }

  /// Reads and checks the hyper-parameters.
  public init(_ settings: Settings) throws(SettingError) {
    self.init(floor: try settings.double("floor", .from(0, to: 1)))
  }

  /// Factor on the base rate.
  public func factor(at position: RunPosition) -> Double {
    let passed = max(0, position.step - position.warmupSteps)
    let length = max(1, position.totalSteps - position.warmupSteps)
    let share = min(1, Double(passed) / Double(length))
    return floor + (1 - floor) * 0.5 * (1 + cos(.pi * share))
  }
}
