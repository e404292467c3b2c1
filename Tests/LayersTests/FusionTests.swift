import Basics
import Kernels
import Layers
import Testing

/// Layers that run as one give what they give apart.
@Suite struct FusionTests {
  /// Loss, gradients and number of layers as they run.
  private func results(_ layers: [any NetworkPart], _ input: Shape, _ kernels: KernelTable) throws
    -> (sum: LossSum, gradients: [Float], layers: Int)
  {
    let samples = RandomSamples(4, of: input, classes: 4)
    let network = try Network(Sequential(layers), input: input, capacity: 4, kernels: kernels)
    let parameters = FloatBuffer(count: network.layout.count)
    network.layout.initialise(parameters, seed: 2)
    let gradients = FloatBuffer(count: network.layout.count)
    let sum = network.gradient(
      of: samples.batch, at: FloatsIn(parameters.pointer), into: gradients.pointer, observer: nil)
    return (sum, Array(gradients.values), network.layers.count)
  }

  /// Layers written so that no rule applies give the same numbers as the fused ones.
  @Test func fusionChangesNothing() throws {
    let input = Shape([11, 12, 1])
    let plain: [any NetworkPart] = [
      Convolution2D(16, kernel: 3), Flatten(), ReLU(), Dense(24), Flatten(), GELU(), Dense(20),
      Flatten(), SiLU(), Dense(20), Flatten(), Tanh(), Dense(4),
    ]
    let fused: [any NetworkPart] = [
      Convolution2D(16, kernel: 3), ReLU(), Flatten(), Dense(24), GELU(), Dense(20), SiLU(),
      Dense(20), Tanh(), Dense(4),
    ]
    for kernels in tables {
      let (apart, together) = (
        try results(plain, input, kernels), try results(fused, input, kernels)
      )
      #expect(apart.sum == together.sum)
      // The reference multiplies by derivatives in double precision, unless they were kept.
      let bound: Float = kernels.instructionSet == .scalar ? 1e-6 : 0
      let differences = zip(apart.gradients, together.gradients).map { abs($0 - $1) }
      #expect(differences.max()! <= bound)
      #expect(apart.layers == 13 && together.layers == 6)
    }
  }

  /// Sums are rounded in another order where a layer adds them itself.
  @Test func fusedSumsAreTheSameButForRounding() throws {
    let input = Shape([11, 12, 1])
    func layers(_ isFused: Bool) -> [any NetworkPart] {
      [
        Convolution2D(8, kernel: 3),
        Residual(activation: ReLU()) {
          Convolution2D(8, kernel: 3, padding: 1)
          BatchNormalization()
          if !isFused { LeakyReLU(0.999_999) }
        },
        Flatten(), Dense(24),
        Residual {
          Dense(24)
          if !isFused { Flatten() }
        }, Dense(4),
      ]
    }
    for kernels in tables {
      let (apart, together) = (
        try results(layers(false), input, kernels), try results(layers(true), input, kernels)
      )
      #expect(apart.layers > together.layers + 3)
      #expect(abs(apart.sum.loss - together.sum.loss) < 1e-4 * apart.sum.loss)
      let scale = apart.gradients.map(abs).max()!
      #expect(apart.gradients.count == together.gradients.count)
      for (a, b) in zip(apart.gradients, together.gradients) { #expect(abs(a - b) < 1e-4 * scale) }
    }
  }

  /// What a layer drops does not depend on what else is computed in one pass.
  @Test func dropoutDoesNotSeeFusion() throws {
    let samples = RandomSamples(4, of: Shape([9, 9, 1]), classes: 3)
    let losses = try tables.map { kernels in
      let network = try Network(input: Shape([9, 9, 1]), capacity: 4, kernels: kernels) {
        Convolution2D(8, kernel: 3)
        ReLU()
        MaxPooling2D(2)
        Flatten()
        Dropout(0.5)
        Dense(3)
      }
      let parameters = FloatBuffer(count: network.layout.count)
      network.layout.initialise(parameters, seed: 2)
      let gradients = FloatBuffer(count: network.layout.count)
      return network.gradient(
        of: samples.batch, at: FloatsIn(parameters.pointer), into: gradients.pointer, observer: nil
      ).loss
    }
    for loss in losses { #expect(abs(loss - losses[0]) < 1e-4 * losses[0]) }
  }
}
