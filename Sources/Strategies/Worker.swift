// What a method works with on one rank: the objective, the replica, the optimizer, the other ranks.

import Basics
import Collectives
import Kernels
import Layers
import Messaging
import Optimizers

/// One rank's means, handed to its `Strategy`.
public final class Worker {
  /// All ranks, and which of them share memory.
  public let group: RankGroup
  /// What is minimised.
  public let objective: any Objective
  /// This rank's copy of the model.
  public let replica: Replica
  /// How gradients become new parameters.
  public let optimizer: any Optimizer
  /// How vectors are summed over ranks.
  public let allReduce: any AllReduceAlgorithm
  /// Learning rate of update number n, counted from 1.
  public let learningRate: (Int) -> Float
  /// Limit on the gradient's global norm.
  public let clip: GradientClip?
  /// Bytes that travel at once.
  public let bucketBytes: Int
  /// How gradients of all ranks come together, and who updates what.
  public let plan: GradientPlan
  /// The vector code.
  public let kernels: KernelTable

  /// Set when this rank was asked to stop; the method carries the vote to the others.
  public var wantsToStop = false
  /// Seconds this rank has spent in communication calls.
  public private(set) var communicationSeconds = 0.0

  private let clock = ContinuousClock()

  /// The other ranks.
  public var communicator: any Communicator { group.communicator }

  /// A rank's means.
  ///
  /// - Parameter plan: the one that `replica` was made with; nil: every rank updates everything.
  public init(
    group: RankGroup, objective: any Objective, replica: Replica,
    optimizer: any Optimizer, allReduce: any AllReduceAlgorithm,
    learningRate: @escaping (Int) -> Float, clip: GradientClip? = nil,
    bucketBytes: Int = 1 << 20, plan: GradientPlan? = nil, kernels: KernelTable
  ) {
    (self.group, self.objective, self.replica) = (group, objective, replica)
    (self.optimizer, self.allReduce) = (optimizer, allReduce)
    (self.learningRate, self.clip) = (learningRate, clip)
    (self.bucketBytes, self.kernels) = (bucketBytes, kernels)
    self.plan =
      plan
      ?? GradientPlan(
        layout: replica.layout, topology: group.topology, allReduce: allReduce,
        bucketBytes: bucketBytes)
  }

  /// Runs `body` on the communication clock.
  @discardableResult
  public func communicating<T>(_ body: () throws(MessagingError) -> T) throws(MessagingError) -> T {
    let start = clock.now
    defer { communicationSeconds += (clock.now - start) / .seconds(1) }
    return try body()
  }

  /// The facts of the update that comes next.
  public func nextUpdate(gradientScale: Float = 1) -> UpdateStep {
    UpdateStep(
      number: replica.updates + 1, learningRate: learningRate(replica.updates + 1),
      gradientScale: gradientScale, kernels: kernels, layout: replica.layout)
  }

  /// Updates `range` of the replica from its gradients.
  public func update(_ range: Range<Int>, _ step: UpdateStep) {
    for state in replica.optimizerState {
      let part = range.clamped(to: state.range)
      guard !part.isEmpty else { continue }
      optimizer.update(
        part, parameters: replica.parameters, gradients: replica.gradients, state: state, step: step
      )
    }
  }

  /// Factor that keeps the global norm of the replica's gradients within the limit.
  public func clippingFactor() -> Float {
    guard let clip else { return 1 }
    let squares = kernels.sumOfSquares(
      replica.layout.count, x: UnsafePointer(replica.gradients.pointer))
    return clip.factor(norm: squares.squareRoot())
  }
}
