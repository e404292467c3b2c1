// Where activations, their gradients, kept bytes and scratch lie in the arena: offsets in floats,
// fixed before step 0, every one on a cache line.

import Basics

/// Offsets of a sequence of layers. Gradients of activations alternate between two areas: a layer
/// reads the one that the layer behind it wrote and writes the other.
struct ArenaPlan {
  /// One layer's offsets; nil input or output: the batch's own memory.
  struct Place {
    var input, output: Int?
    var kept = 0
    var outputGradient = 0
    var inputGradient: Int?
  }

  /// One place per layer.
  private(set) var places: [Place] = []
  /// Offset of the scratch that all layers share.
  private(set) var scratch = 0
  /// Floats in all.
  private(set) var count = 0

  private var wantsInputGradient: [Int?] = []
  private var sharesInput: [Bool] = []
  private var scratchLength = 0

  private mutating func reserve(_ length: Int) -> Int {
    defer { count += FloatBuffer.aligned(length) }
    return count
  }

  /// Adds the next layer; `inputGradient` is the length of its input's gradient if that is needed.
  mutating func append(_ plan: LayerPlan, isFirst: Bool, capacity: Int, inputGradient: Int?) {
    var place = Place()
    place.input = isFirst ? nil : places.last!.output
    place.output = plan.sharesInput ? place.input : reserve(capacity * plan.output.count)
    place.kept = reserve(plan.kept)
    places.append(place)
    sharesInput.append(plan.sharesInput)
    wantsInputGradient.append(inputGradient)
    scratchLength = max(scratchLength, plan.scratch)
  }

  /// Places the gradients, once all layers are known.
  mutating func close(outputGradient: Int) {
    let longest = max(outputGradient, wantsInputGradient.compactMap { $0 }.max() ?? 0)
    let areas = [reserve(longest), reserve(longest)]
    scratch = reserve(scratchLength)
    var current = 0
    for index in places.indices.reversed() {
      places[index].outputGradient = areas[current]
      guard wantsInputGradient[index] != nil else { continue }
      if !sharesInput[index] { current = 1 - current }
      places[index].inputGradient = areas[current]
    }
  }
}
