// One rank's copy of the model: parameters and gradients, each in one flat buffer with the same
// numbering, and the optimizer's state for the parameters that this rank updates. Ranks that update
// a part each and all share memory have one parameter vector in common.

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
  /// The same memory as schedules see it: known to other ranks where updates are sharded, and then
  /// with room for the tally, so that parameters are cut like gradients.
  public let parameterVector: GroupVector
  /// Whether the parameters are one vector for all ranks.
  public let sharesParameters: Bool
  /// The gradients, and behind them the step's tally, which travels with them.
  public let gradients: FloatBuffer
  /// The same memory as schedules see it: shared with the other ranks of the node.
  public let gradientVector: GroupVector
  /// The optimizer's vectors: for all parameters in one piece, or, where updates are sharded, for
  /// this rank's part of each bucket.
  public let optimizerState: [OptimizerState]
  /// Updates made so far; the next one has this number plus one.
  public var updates = 0

  /// A replica with the initial parameters of `seed`, the same on every rank. Collective.
  ///
  /// - Parameters:
  ///   - slots: vectors that the optimizer keeps.
  ///   - plan: says what this rank updates, and how long the gradient vector is.
  public init(plan: GradientPlan, slots: Int, seed: UInt64, in group: RankGroup)
    throws(MessagingError)
  {
    layout = plan.layout
    sharesParameters = plan.isSharded && group.topology.isOneNode
    if sharesParameters {
      parameterVector = try group.commonVector(count: layout.count)
    } else if plan.isSharded {
      parameterVector = try group.vector(count: layout.count + Tally.length)
    } else {
      parameterVector = GroupVector(own: FloatBuffer(count: layout.count))
    }
    parameters = FloatBuffer(
      parameterVector.buffer.pointer, count: layout.count, owner: parameterVector.buffer)
    gradientVector = try group.vector(count: plan.gradientCount)
    gradients = gradientVector.buffer
    optimizerState = plan.updated(by: group.rank).map { OptimizerState(of: $0, slots: slots) }
    if !sharesParameters || group.rank == 0 { layout.initialise(parameters, seed: seed) }
    try meet()
  }

  /// A replica that updates all parameters by itself. Collective.
  public convenience init(
    layout: ParameterLayout, slots: Int, seed: UInt64, in group: RankGroup
  ) throws(MessagingError) {
    let plan = GradientPlan(
      layout: layout, topology: group.topology, allReduce: RingAllReduce(), bucketBytes: 1)
    try self.init(plan: plan, slots: slots, seed: seed, in: group)
  }

  /// Rank 0's parameters become everybody's. Collective.
  public func takeParametersOfRank0(over communicator: any Communicator) throws(MessagingError) {
    guard !sharesParameters else { return try meet() }
    try communicator.broadcast(UnsafeMutableRawBufferPointer(parameters.values), root: 0)
  }

  /// Makes writes to common parameters visible to all.
  private func meet() throws(MessagingError) {
    guard sharesParameters, let shared = parameterVector.shared else { return }
    try shared.segment.fence()
  }
}
