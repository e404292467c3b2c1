// What a finished program tells its batch queue: the codes of BSD's sysexits.h where they fit.

import Basics
import Datasets
import Kernels
import Layers
import Messaging

/// Exit codes of `apus`.
public enum ExitCode: Int32, Sendable {
  /// Done.
  case done = 0
  /// The command line, or a setting, asks for something that does not exist or cannot be.
  case usage = 64
  /// Data or a checkpoint is malformed, missing, or of another kind.
  case badData = 65
  /// A bug, or communication broke.
  case internalError = 70
  /// Reading or writing failed.
  case inputOutput = 74
  /// Stopped on request; `--resume` goes on.
  case stopped = 75
  /// The loss is not a number.
  case diverged = 76

  /// The code for an error of any of Apus's modules.
  public init(for error: any Error) {
    switch error {
    case is UnknownName, is SettingError, is UsageError, is ShapeError, is KernelSelectionError:
      self = .usage
    case let error as DataError: self = error.isInputOutput ? .inputOutput : .badData
    case is CheckpointError, is JobError, is DescriptionError: self = .badData
    case let error as FileError: self = error.isMissing ? .badData : .inputOutput
    case is Divergence: self = .diverged
    case let error as SharedFailure: self = error.code
    default: self = .internalError
    }
  }
}

/// The user asks for something that cannot be.
public struct UsageError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence, with what would be right.
  public let description: String

  /// An error in one sentence.
  public init(_ description: String) { self.description = description }
}

/// Training cannot go on: the loss is not a number any more.
public struct Divergence: Error, Sendable, Equatable, CustomStringConvertible {
  /// The step in which it happened, from 1.
  public let step: Int
  /// The newest checkpoint from before, if there is one.
  public let checkpoint: String?

  public var description: String {
    "the loss is not a number since step \(step): training diverged; try a lower --learning-rate"
      + " or --clip 1" + (checkpoint.map { " (last good checkpoint: \($0))" } ?? "")
  }
}
