// How a pass over the layers is cut: segments of consecutive steps that a few samples go through
// together, so that what one layer writes is still in the second-level cache when the next one reads
// it. A segment ends where a layer must have seen all samples before anything can go on, and where
// layers want so many samples per call that these would not fit together.
//
// A whole pass is cut in the same way: where no layer must see all samples, as few as are worth it go
// forward and back before the next ones do. Then neither activations nor logits of a whole batch ever
// exist, and what a micro-batch needs stays in a core's share of the last cache.
//
// How many samples go at once follows from shapes alone: sums over samples are cut alike on every
// machine, and equal runs stay equal bit for bit.

import Basics

/// One look of an operation at its samples.
struct Step {
  var operation: Int
  var phase: Int
}

/// Steps that samples go through together, `samples` of them at a time.
struct Segment {
  var steps: [Step]
  var samples: Int
}

/// What a step asks of its segment.
struct StepNeeds {
  var step: Step
  /// Arrays that it reads or writes, and their bytes per sample.
  var arrays: [(id: Int, bytes: Int)]
  var fewestSamples: Int
}

extension Graph {
  /// How many samples of `capacity` go forward and back in one micro-batch.
  ///
  /// - Parameter budget: bytes that the arrays of a micro-batch may take, if layers want no more samples.
  func samplesPerMicroBatch(_ capacity: Int, budget: Int) throws(ShapeError) -> Int {
    var (bytes, fewest) = (0, 1)
    for operation in operations {
      let plan = try plan(operation.layer, operation.inputs, batch: 1, name: operation.name)
      if max(plan.forwardPhases, plan.backwardPhases) > 1 { return capacity }
      fewest = max(fewest, plan.fewestSamples)
      bytes += 8 * plan.output.count  // and the gradient
    }
    guard bytes * capacity > budget else { return capacity }
    return min(capacity, max(fewest, budget / bytes))
  }
}

/// Cuts steps into segments for batches of at most `capacity` samples.
///
/// - Parameter budget: bytes that the arrays of samples under way may take together.
func segments(_ needs: [StepNeeds], capacity: Int, budget: Int) -> [Segment] {
  var result: [Segment] = []
  var steps: [Step] = []
  var arrays: [Int: Int] = [:]
  var fewest = 1
  func close() {
    guard !steps.isEmpty else { return }
    let bytes = max(1, arrays.values.reduce(0, +))
    result.append(Segment(steps: steps, samples: min(capacity, max(fewest, budget / bytes))))
    (steps, arrays, fewest) = ([], [:], 1)
  }
  for need in needs {
    if need.step.phase > 0 { close() }
    let wanted = max(fewest, min(need.fewestSamples, capacity))
    let all = arrays.merging(need.arrays) { $1 }
    if !steps.isEmpty && wanted * all.values.reduce(0, +) > budget { close() }
    steps.append(need.step)
    arrays.merge(need.arrays) { $1 }
    fewest = max(fewest, min(need.fewestSamples, capacity))
  }
  close()
  return result
}
