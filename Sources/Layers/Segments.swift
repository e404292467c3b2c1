// How a pass over the layers is cut: segments of consecutive steps that a few samples go through
// together, so that what one layer writes is still in the second-level cache when the next one reads
// it. A segment ends where a layer must have seen all samples before anything can go on, and where
// layers want so many samples per call that these would not fit together.
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
