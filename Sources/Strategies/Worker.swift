// What a method works with on one rank: the objective, the replica, the optimizer, the other ranks.

import Basics
import Collectives
import Kernels
import Layers
import Messaging
import Optimizers

/// One rank's means, handed to its `Strategy`: on every rank, whatever its role. (In methods with a
/// parameter server, whose docs call the roles worker and server, a serving rank has one too.)
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
  /// The form in which gradients travel as messages; parameters always travel as float32.
  public let wire: WireFormat
  /// Learning rate of step number n, counted from 1.
  public let learningRate: (Int) -> Float
  /// Limit on the gradient's global norm.
  public let clip: GradientClip?
  /// Bytes that travel at once.
  public let bucketBytes: Int
  /// How gradients of all ranks come together, and who updates what.
  public let plan: GradientPlan
  /// A lane's samples, as a part of this rank's batch; nil where the batch is the lane.
  public let laneBatch: ((_ lane: Int, _ batch: Batch) -> Batch)?
  /// Where spans of time are recorded; nil: nowhere.
  public let trace: Trace?
  /// The vector code.
  public let kernels: KernelTable

  /// Set when this rank was asked to stop; the method carries the vote to the others.
  public var wantsToStop = false
  /// Finite values that became infinite when this rank sent them and that no `StepReport` covers.
  public var untoldOverflows = 0
  /// Seconds this rank has spent in communication calls.
  public private(set) var communicationSeconds = 0.0

  private let clock = ContinuousClock()
  private let updateName, waitName: Int32

  /// The other ranks.
  public var communicator: any Communicator { group.communicator }

  /// A rank's means.
  ///
  /// - Parameters:
  ///   - plan: the one that `replica` was made with; nil: every rank updates everything.
  ///   - laneBatch: needed where the plan has lanes.
  public init(
    group: RankGroup, objective: any Objective, replica: Replica,
    optimizer: any Optimizer, allReduce: any AllReduceAlgorithm, wire: WireFormat = .float32,
    learningRate: @escaping (Int) -> Float, clip: GradientClip? = nil,
    bucketBytes: Int = 1 << 20, plan: GradientPlan? = nil,
    laneBatch: ((_ lane: Int, _ batch: Batch) -> Batch)? = nil, trace: Trace? = nil,
    kernels: KernelTable
  ) {
    (self.group, self.objective, self.replica) = (group, objective, replica)
    (self.optimizer, self.allReduce, self.wire) = (optimizer, allReduce, wire)
    (self.learningRate, self.clip) = (learningRate, clip)
    (self.bucketBytes, self.trace, self.kernels) = (bucketBytes, trace, kernels)
    self.laneBatch = laneBatch
    self.plan =
      plan
      ?? GradientPlan(
        layout: replica.layout, topology: group.topology, allReduce: allReduce, wire: wire,
        bucketBytes: bucketBytes)
    precondition(
      (self.plan.laneSum == nil) == (laneBatch == nil), "lanes need to be cut out of batches")
    updateName = trace?.number(of: "update") ?? 0
    waitName = trace?.number(of: "waiting") ?? 0
  }

  /// Runs `body` on the communication clock.
  @discardableResult
  public func communicating<T>(_ body: () throws(MessagingError) -> T) throws(MessagingError) -> T {
    let start = clock.now
    defer { communicationSeconds += (clock.now - start) / .seconds(1) }
    return try body()
  }

  /// The same for what has nothing to do but wait.
  public func waiting(_ body: () throws(MessagingError) -> Void) throws(MessagingError) {
    let start = trace.start
    defer { trace?.record(waitName, Trace.Track.waiting, since: start) }
    try communicating(body)
  }

  /// The facts of the update that comes next.
  ///
  /// - Parameter step: the step, from 1, whose learning rate is meant, for methods that do not make
  ///   one update per step.
  public func nextUpdate(of step: Int? = nil, gradientScale: Float = 1) -> UpdateStep {
    UpdateStep(
      number: replica.updates + 1, learningRate: learningRate(step ?? replica.updates + 1),
      gradientScale: gradientScale, kernels: kernels, layout: replica.layout)
  }

  /// Updates the replica from its gradients: what of `range` this rank has optimizer state for.
  /// Statistics follow what the batch showed, whatever the optimizer, the rate and the clipping.
  public func update(_ range: Range<Int>, _ step: UpdateStep) {
    let start = trace.start
    defer { trace?.record(updateName, Trace.Track.work, since: start) }
    for state in replica.optimizerState {
      updateStatistics(range.clamped(to: state.range))
      for (piece, factor) in replica.layout.rates {
        let part = range.clamped(to: state.range).clamped(to: piece)
        guard !part.isEmpty else { continue }
        optimizer.update(
          part, parameters: replica.parameters, gradients: replica.gradients, state: state,
          step: step.faster(by: factor))
      }
    }
  }

  /// w <- w + rate (g - w).
  private func updateStatistics(_ range: Range<Int>) {
    let part = range.clamped(to: replica.layout.statistics)
    guard !part.isEmpty else { return }
    for tensor in replica.layout.tensors {
      guard case .average(let rate) = tensor.request.role else { continue }
      let mine = tensor.range.clamped(to: part)
      let place = replica.parameters.pointer + mine.lowerBound
      kernels.scale(mine.count, factor: 1 - rate, y: place)
      kernels.addScaled(
        mine.count, factor: rate, x: FloatsIn(replica.gradients.pointer + mine.lowerBound),
        y: place)
    }
  }

  /// Factor that keeps the global norm of the replica's gradients within the limit.
  public func clippingFactor() -> Float {
    guard let clip else { return 1 }
    let squares = kernels.sumOfSquares(
      replica.layout.trained.count, x: UnsafePointer(replica.gradients.pointer))
    return clip.factor(norm: squares.squareRoot())
  }
}
