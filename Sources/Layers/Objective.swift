// What training minimises, as strategies see it: a loss over batches, as a function of a flat
// parameter vector. A strategy may ask for the gradient of any batch at any point.

import Basics
import Kernels

/// A loss with gradients. `Network` is one; objectives of several networks can be others.
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
