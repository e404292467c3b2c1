// Loss and accuracy on data without gradients, shared among the ranks.

import Basics
import Datasets
import Kernels
import Layers
import Messaging

/// Mean loss and accuracy over a data set.
public struct HeldOut: Sendable, Equatable {
  /// Mean loss per target, and share of targets that the largest output names.
  public let loss, accuracy: Double
}

/// Evaluates an objective on a data set, every rank its share.
public final class Evaluation {
  private let objective: any Objective
  private let reader: BatchReader
  private let communicator: any Communicator

  /// Evaluates on all of `dataset`, in pieces of at most the objective's capacity.
  public init(
    of objective: any Objective, on dataset: any Dataset, over communicator: any Communicator,
    kernels: KernelTable
  ) {
    (self.objective, self.communicator) = (objective, communicator)
    reader = BatchReader(
      dataset, globalBatch: objective.capacity * communicator.size, parts: communicator.size,
      mine: communicator.rank..<communicator.rank + 1, seed: nil, kernels: kernels)
  }

  /// The figures at `parameters`, the same on every rank. Collective.
  public func run(at parameters: FloatsIn) throws(MessagingError) -> HeldOut {
    var sums = [0.0, 0.0]
    for step in 0..<reader.cut.stepsPerEpoch {
      let sum = objective.evaluate(reader.read(step: step, epoch: 0), at: parameters)
      sums[0] += sum.loss
      sums[1] += Double(sum.correct)
    }
    try Agreement(over: communicator).reduce(&sums, .sum)
    let targets = Double(reader.dataset.count * reader.dataset.targetsPerSample)
    return HeldOut(loss: sums[0] / targets, accuracy: sums[1] / targets)
  }
}
