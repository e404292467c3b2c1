// How a pass over the layers is cut: groups of consecutive looks at the samples, through which a few
// samples go together, so that what one layer writes is still in the second-level cache when the next
// one reads it (layer groups and sub-batches: Lym et al.: Mini-batch serialization, MLSys 2019). A group
// ends where a layer must have seen all samples before anything can go on, and where layers want so
// many samples per call that these would not fit together.
//
// A whole pass is cut in the same way: where no layer must see all samples, as few as are worth it go
// forward and back before the next ones do. Then neither activations nor logits of a whole batch ever
// exist, and what a micro-batch needs stays in a core's share of the last cache.
//
// How many samples go at once follows from shapes alone: sums over samples are cut alike on every
// machine, and equal runs stay equal bit for bit.

import Basics

/// One look of an operation at its samples.
struct Look {
  var operation: Int
  var phase: Int
}

/// Looks that samples go through together, `samples` of them at a time.
struct LayerGroup {
  var looks: [Look]
  var samples: Int
}

/// What a look asks of its group.
struct LookNeeds {
  var look: Look
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
    guard bytes > budget / capacity else { return capacity }
    return min(capacity, max(fewest, budget / bytes))
  }
}

/// Cuts looks into groups for batches of at most `capacity` samples.
///
/// - Parameter budget: bytes that the arrays of samples under way may take together.
func layerGroups(_ needs: [LookNeeds], capacity: Int, budget: Int) -> [LayerGroup] {
  var result: [LayerGroup] = []
  var looks: [Look] = []
  var arrays: Set<Int> = []
  var (bytes, fewest) = (0, 1)
  func close() {
    guard !looks.isEmpty else { return }
    let samples = min(capacity, max(fewest, budget / max(1, bytes)))
    result.append(LayerGroup(looks: looks, samples: samples))
    (looks, arrays, bytes, fewest) = ([], [], 0, 1)
  }
  for need in needs {
    if need.look.phase > 0 { close() }
    func more() -> Int {
      var seen: Set<Int> = []
      return need.arrays.reduce(0) { sum, array in
        arrays.contains(array.id) || !seen.insert(array.id).inserted ? sum : sum + array.bytes
      }
    }
    let wanted = max(fewest, min(need.fewestSamples, capacity))
    if !looks.isEmpty && wanted * (bytes + more()) > budget { close() }
    bytes += more()
    looks.append(need.look)
    for array in need.arrays { arrays.insert(array.id) }
    fewest = max(fewest, min(need.fewestSamples, capacity))
  }
  close()
  return result
}
