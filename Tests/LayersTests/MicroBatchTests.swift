import Basics
import Kernels
import Layers
import Testing

/// Batches that go forward and back a few samples at a time.
@Suite struct MicroBatchTests {
  struct Example: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let network: Sequential
    let space: SampleSpace
    var convolution = ConvolutionChoice.automatic
  }

  static let examples = [
    Example(
      testDescription: "a large vocabulary",
      network: Sequential {
        Embedding(width: 8).named("embedding")
        Dense(900).named("head")
      }, space: SampleSpace(input: Shape([512], element: .index, indexCounts: [900]), classes: 900)),
    Example(
      testDescription: "a transformer with dropout",
      network: Sequential {
        Embedding(width: 8)
        PositionEmbedding()
        Residual {
          LayerNormalization()
          Dense(24)
          SelfAttention(heads: 2)
          Dropout(0.3)
        }
        Dense(7)
      }, space: SampleSpace(input: Shape([512], element: .index, indexCounts: [7]), classes: 7)),
    Example(
      testDescription: "a class for every pixel, Winograd",
      network: Sequential {
        Convolution2D(16, kernel: 3, padding: 1)
        ReLU()
        Residual {
          Convolution2D(16, kernel: 3, padding: 1)
        }
        Convolution2D(3, kernel: 1)
      }, space: SampleSpace(input: Shape([20, 20, 16]), classes: 3), convolution: .f2),
  ]

  private func network(_ example: Example, cacheBytes: Int) throws -> Network {
    try Network(
      example.network, input: example.space.input, capacity: 5, convolution: example.convolution,
      cacheBytes: cacheBytes, kernels: tables.last!)
  }

  @Test(arguments: examples) func partsGiveWhatAllAtOnceGive(_ example: Example) throws {
    let whole = try network(example, cacheBytes: 1 << 30)
    let parts = try network(example, cacheBytes: 1)
    #expect(3 * parts.arenaCount < 2 * whole.arenaCount)
    let parameters = FloatBuffer(count: whole.layout.count)
    whole.layout.initialise(parameters, seed: 3)
    let at = FloatsIn(parameters.pointer)
    let samples = RandomSamples(5, of: example.space, targetsPerSample: whole.targetsPerSample)
    let listener = Listener()
    let (expected, found) = (
      FloatBuffer(count: whole.layout.count), FloatBuffer(count: whole.layout.count)
    )
    let sum = whole.gradient(of: samples.batch, at: at, into: expected.pointer, observer: nil)
    for _ in 0..<2 {
      found.values.update(repeating: .nan)
      listener.ranges = []
      let loss = parts.gradient(
        of: samples.batch, at: at, into: found.pointer, observer: listener
      ).loss
      #expect(abs(loss - sum.loss) < 1e-6 * sum.loss)
      #expect(abs((listener.sum?.loss ?? 0) - sum.loss) < 1e-6 * sum.loss)
      let scale = expected.values.map(abs).max()!
      for tensor in whole.layout.tensors {
        for index in tensor.range { #expect(abs(found[index] - expected[index]) < 1e-5 * scale) }
      }
      // Every range once, from the back.
      #expect(listener.ranges.last?.lowerBound == 0)
      for (back, front) in zip(listener.ranges, listener.ranges.dropFirst()) {
        #expect(FloatBuffer.aligned(front.upperBound) == back.lowerBound)
      }
    }
    let inspected = (whole.evaluate(samples.batch, at: at), parts.evaluate(samples.batch, at: at))
    #expect(abs(inspected.0.loss - inspected.1.loss) < 1e-6 * inspected.0.loss)
    #expect(inspected.0.correct == inspected.1.correct)
    let (one, other) = (
      whole.outputs(for: samples.batch, at: at), parts.outputs(for: samples.batch, at: at)
    )
    for index in 0..<5 * whole.output.count { #expect(abs(one[index] - other[index]) < 1e-4) }
  }

  /// Batch normalisation must see all samples; few samples are not worth micro-batches.
  @Test func someGoAllAtOnce() throws {
    let input = Shape([20, 20, 4])
    let space = SampleSpace(input: input, classes: 3)
    let normalised = Example(
      testDescription: "",
      network: Sequential {
        Convolution2D(8, kernel: 3)
        BatchNormalization()
        Convolution2D(3, kernel: 1)
      }, space: space)
    let (many, few) = (
      try network(normalised, cacheBytes: 1 << 30), try network(normalised, cacheBytes: 1)
    )
    // All five results of a convolution are kept.
    for network in [many, few] { #expect(network.arenaCount > 5 * 18 * 18 * 8) }
  }
}
