// A training method is a page: one file that reads like its paper, same symbols, same order. It
// sees flat vectors and ranges, gradients of any batch at any point (`Objective`), and the other
// ranks (`Communicator`); it does not see layers, files or the command line.

import Basics
import Kernels
import Messaging

/// What one step did.
public struct StepReport: Sendable, Equatable {
  /// Sum of the loss over `samples`, and samples whose largest output was the target's.
  public var loss, correct: Double
  /// Samples that the two sums cover.
  public var samples: Int
  /// Whether the method has combined the figures itself: the sums on rank 0 then cover all ranks,
  /// and votes, or a loss that is not a number, come up in the same step on every rank. Otherwise
  /// they are this rank's share, and the loop combines them when it reports.
  public var isGlobal: Bool
  /// Ranks that were asked to stop; meaningful where `isGlobal`.
  public var stopVotes: Int
  /// Finite values that became infinite in a 16-bit wire format and were not reported before. Where
  /// the count travels with a step's loss, those of the step before.
  public var overflows: Int

  /// A report.
  public init(
    loss: Double, correct: Double, samples: Int, isGlobal: Bool, stopVotes: Int = 0,
    overflows: Int = 0
  ) {
    (self.loss, self.correct, self.samples) = (loss, correct, samples)
    (self.isGlobal, self.stopVotes, self.overflows) = (isGlobal, stopVotes, overflows)
  }
}

/// A vector that a method keeps from step to step, for checkpoints.
public struct StateVector {
  /// Who holds which values.
  public enum Scope: Sendable {
    /// Equal on every rank, or of use on rank 0 alone: rank 0's copy is written, and restored on
    /// every rank.
    case shared
    /// Each rank has its own: all are written, one after the other.
    case perRank
  }

  /// Name within the method, for example `residual`.
  public let name: String
  /// The values; a restored run finds them here.
  public let buffer: FloatBuffer
  /// Who holds which values.
  public let scope: Scope

  /// A vector of `layout.count` floats, laid out like the parameters, or of any other length.
  public init(_ name: String, _ buffer: FloatBuffer, scope: Scope) {
    (self.name, self.buffer, self.scope) = (name, buffer, scope)
  }
}

/// A training method on one rank.
///
/// The loop makes one per run, on every rank, and calls `step` the same number of times on every
/// rank: a serving rank's step serves as many requests as its workers make in one of theirs.
public protocol Strategy: AnyObject, SendableMetatype {
  /// Name in the catalogue.
  static var name: String { get }
  /// One line for a list.
  static var summary: String { get }
  /// Hyper-parameters and their defaults.
  static var settings: [Setting] { get }

  /// Whether all ranks compute gradients that are summed in every step as `Worker.plan` says; what
  /// a user may ask of that plan (a sharded update, lanes) is refused for other methods.
  static var sumsGradients: Bool { get }
  /// Ranks that read data and compute gradients, of `ranks` in all; the rest serve.
  static func workers(of ranks: Int) -> Range<Int>

  /// Allocates everything the method needs; no step allocates.
  init(_ worker: Worker, _ settings: Settings) throws

  /// One training step on this rank's share of the data (empty on serving ranks).
  func step(_ batch: Batch) throws(MessagingError) -> StepReport

  /// Everything beside the model and the optimizer's state that a bitwise resume needs. Where a
  /// rank's parameters are not what `model` delivers, they belong here.
  var state: [StateVector] { get }

  /// Who holds which state of the optimizer.
  var optimizerScope: StateVector.Scope { get }

  /// Where the model that the method would deliver now lies, the same on every rank. Collective;
  /// must not change the course of training.
  func model() throws(MessagingError) -> FloatsIn
}

extension Strategy {
  /// Every rank works.
  public static func workers(of ranks: Int) -> Range<Int> { 0..<ranks }
  /// Most methods go about it in their own way.
  public static var sumsGradients: Bool { false }
  /// Most methods have no hyper-parameters of their own.
  public static var settings: [Setting] { [] }
  /// Most methods update all replicas alike, or the one on rank 0.
  public var optimizerScope: StateVector.Scope { .shared }
}
