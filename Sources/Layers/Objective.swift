// What training minimises, as strategies see it: a loss over batches, as a function of a flat
// parameter vector. A strategy may ask for the gradient of any batch at any point.

import Basics
import Kernels

/// A loss with gradients.
public protocol Objective: AnyObject {
  /// Where parameter tensors lie in the flat vectors.
  var layout: ParameterLayout { get }
  /// Largest batch that fits the planned memory.
  var capacity: Int { get }
  /// Loss of `batch` at `parameters` and its gradient, divided by the batch's global count, into
  /// `gradients` (overwritten, `layout.count` floats). The observer hears of finished ranges.
  func gradient(
    of batch: Batch, at parameters: FloatsIn, into gradients: FloatsOut,
    observer: (any GradientObserver)?
  ) -> LossSum
  /// Loss of `batch` at `parameters`, without gradients.
  func evaluate(_ batch: Batch, at parameters: FloatsIn) -> LossSum
}

/// An objective that is made of layers: a network, or several.
public protocol Model: Objective {
  /// One input sample, and one output sample.
  var input: Shape { get }
  var output: Shape { get }
  /// The outputs for a batch, as in evaluation: (count, output shape), valid until the next call.
  func outputs(for batch: Batch, at parameters: FloatsIn) -> FloatsIn
  /// What targets are, and how many one sample has.
  var targetKind: TargetKind { get }
  var targetsPerSample: Int { get }
  /// How many classes the outputs tell apart; nil where targets are no classes, or not looked at.
  var classes: Int? { get }
  /// Its layers as they run, for a person.
  var layers: [PlannedLayer] { get }
  /// Samples that go forward and back before the next ones of a batch do.
  var samplesPerMicroBatch: Int { get }
  /// Floats of working memory.
  var arenaCount: Int { get }
  /// Records each layer's passes from now on.
  func record(in trace: Trace?)
}
