// One rank's copy of the model: parameters, gradients and optimizer state, each in one flat buffer
// with the same numbering.

import Basics
import Collectives
import Kernels
import Layers
import Messaging
import Optimizers

/// Flat vectors of one model on one rank.
public final class Replica {
  /// Where tensors lie.
  public let layout: ParameterLayout
  /// The parameters (`layout.count` floats).
  public let parameters: FloatBuffer
  /// The gradients, and behind them the step's tally, which travels with them.
  public let gradients: FloatBuffer
  /// The same memory as schedules see it: shared with the other ranks of the node.
  public let gradientVector: GroupVector
  /// One vector per slot of the optimizer.
  public let optimizerState: [FloatBuffer]
  /// Updates made so far; the next one has this number plus one.
  public var updates = 0

  /// A replica with the initial parameters of `seed`, the same on every rank. Collective.
  public init(layout: ParameterLayout, slots: Int, seed: UInt64, in group: RankGroup)
    throws(MessagingError)
  {
    self.layout = layout
    parameters = FloatBuffer(count: layout.count)
    gradientVector = try group.vector(count: layout.count + Tally.length)
    gradients = gradientVector.buffer
    optimizerState = (0..<slots).map { _ in FloatBuffer(count: layout.count) }
    layout.initialise(parameters, seed: seed)
  }
}
