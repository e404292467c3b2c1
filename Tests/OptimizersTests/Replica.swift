// What the optimizer tests share: flat buffers, the fixture, and every instruction set.

import Basics
import Foundation
import Kernels
import Optimizers

/// Parameters, gradients and state as a replica holds them.
struct Replica {
  let parameters, gradients: FloatBuffer
  let state: OptimizerState
  let optimizer: any Optimizer
  let layout: ParameterLayout

  init(_ optimizer: any Optimizer, layout: ParameterLayout) {
    self.optimizer = optimizer
    self.layout = layout
    parameters = FloatBuffer(count: layout.count)
    gradients = FloatBuffer(count: layout.count)
    state = OptimizerState(of: 0..<layout.count, slots: optimizer.slots.count)
  }

  /// A layout of one tensor.
  static func layout(_ count: Int) -> ParameterLayout {
    var layout = ParameterLayout()
    _ = layout.append(
      ParameterRequest("w", shape: [count], initialisation: .constant(0)), prefix: "")
    return layout
  }

  func update(
    _ ranges: [Range<Int>], number: Int, rate: Float, scale: Float = 1, kernels: KernelTable
  ) {
    let step = UpdateStep(
      number: number, learningRate: rate, gradientScale: scale, kernels: kernels, layout: layout)
    for range in ranges {
      optimizer.update(
        range, parameters: parameters, gradients: gradients, state: state, step: step)
    }
  }
}

/// Every instruction set that runs here, for parameterised tests.
let instructionSets = KernelSelection.available

/// Figures of published optimizers under a fixed gradient sequence.
struct Fixture: Decodable {
  struct Run: Decodable {
    let steps: [Int]
    let afterStep: [[[Double]]]  // (steps, tensors, values)
  }
  let shapes: [[Int]]
  let initial: [[Float]]
  let gradients: [[[Float]]]  // (steps, tensors, values)
  let optimizers: [String: Run]

  static func load() throws -> Fixture {
    let url = Bundle.module.url(forResource: "Fixtures/optimizers", withExtension: "json")!
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Fixture.self, from: Data(contentsOf: url))
  }

  var layout: ParameterLayout {
    var layout = ParameterLayout()
    for (number, shape) in shapes.enumerated() {
      _ = layout.append(
        ParameterRequest("w", shape: shape, initialisation: .constant(0)), prefix: "\(number)")
    }
    return layout
  }
}
