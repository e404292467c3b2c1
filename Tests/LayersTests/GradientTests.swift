import Basics
import Kernels
import Layers
import Testing

/// Every layer's gradients against finite differences of the loss, by tensor and by coordinate.
@Suite struct GradientTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let layers: [any NetworkPart]
    let input: Shape
    let classes: Int
    var convolution = ConvolutionChoice.automatic
    /// Training sees something else than evaluation.
    var isRandom = false
    var loss: any Loss = SoftmaxCrossEntropy()
    var testDescription: String { name }
    var space: SampleSpace {
      SampleSpace(input: input, classes: classes, targets: loss.targetKind)
    }

    func network(cacheBytes: Int = 384 << 10, _ kernels: KernelTable) throws -> Network {
      try Network(
        Sequential(layers), loss: loss, input: input, capacity: 5, convolution: convolution,
        cacheBytes: cacheBytes, kernels: kernels)
    }
  }

  static let cases = [
    Case(name: "dense", layers: [Dense(5)], input: Shape([7]), classes: 5),
    Case(name: "dense on dense", layers: [Dense(6), Dense(4)], input: Shape([9]), classes: 4),
    Case(
      name: "dense with relu", layers: [Dense(16), ReLU(), Dense(3)], input: Shape([8]), classes: 3),
    Case(
      name: "relu alone", layers: [Dense(16), Flatten(), ReLU(), Dense(3)], input: Shape([8]),
      classes: 3),
    Case(
      name: "convolution", layers: [Convolution2D(5, kernel: 3), Flatten(), Dense(3)],
      input: Shape([6, 7, 2]), classes: 3),
    Case(
      name: "convolution, stride, padding, relu",
      layers: [
        Convolution2D(4, kernel: 3, padding: 1), ReLU(),
        Convolution2D(17, kernel: 3, stride: 2, padding: 1), ReLU(), Flatten(), Dense(3),
      ], input: Shape([7, 6, 3]), classes: 3),
    Case(
      name: "convolution 1x1 and 5x5",
      layers: [
        Convolution2D(16, kernel: 5, padding: 2), Convolution2D(8, kernel: 1), Flatten(), Dense(4),
      ], input: Shape([5, 6, 1]), classes: 4),
    Case(
      name: "pooling",
      layers: [Convolution2D(3, kernel: 2), MaxPooling2D(2), Flatten(), Dense(3)],
      input: Shape([8, 9, 1]), classes: 3),
    Case(
      name: "relu before pooling",
      layers: [
        Convolution2D(3, kernel: 2), Convolution2D(5, kernel: 2), ReLU(), MaxPooling2D(2),
        Flatten(), Dense(3),
      ], input: Shape([8, 9, 1]), classes: 3),
    Case(
      name: "overlapping pooling",
      layers: [Convolution2D(3, kernel: 2), MaxPooling2D(3, stride: 2), Flatten(), Dense(3)],
      input: Shape([8, 10, 1]), classes: 3),
    Case(
      name: "fused convolution and pooling",
      layers: [Convolution2D(32, kernel: 3), ReLU(), MaxPooling2D(2), Flatten(), Dense(4)],
      input: Shape([9, 10, 1]), classes: 4),
    Case(
      name: "two convolutions, pooled twice",
      layers: [
        Convolution2D(16, kernel: 3, padding: 1), ReLU(), MaxPooling2D(2),
        Convolution2D(8, kernel: 3, padding: 1), ReLU(), MaxPooling2D(2), Flatten(), Dense(4),
      ], input: Shape([12, 12, 1]), classes: 4),
    Case(
      name: "dense on a sequence, no bias", layers: [Dense(6, bias: false), ReLU(), Dense(3)],
      input: Shape([4, 5]), classes: 3),
    Case(
      name: "batch normalisation", layers: [Dense(7), BatchNormalization(), Dense(3)],
      input: Shape([6]), classes: 3),
    Case(
      name: "batch normalisation of images, relu",
      layers: [
        Convolution2D(5, kernel: 3, bias: false), BatchNormalization(), ReLU(),
        GlobalAveragePooling2D(), Dense(3),
      ], input: Shape([7, 6, 2]), classes: 3),
    Case(
      name: "residual",
      layers: [
        Dense(6),
        Residual {
          Dense(9); ReLU(); Dense(6)
        }, Dense(3),
      ], input: Shape([5]), classes: 3),
    // One layer reads what its result is added to.
    Case(
      name: "residual of one dense layer",
      layers: [Dense(64), ReLU(), Residual { Dense(64) }, Dense(3)], input: Shape([5]), classes: 3),
    Case(
      name: "residual of one batch normalisation, or of nothing",
      layers: [Dense(17), Residual { BatchNormalization() }, Residual {}, Dense(3)],
      input: Shape([5]), classes: 3),
    Case(
      name: "sparse rows", layers: [Dense(6), ReLU(), Dense(3)],
      input: Shape([40], element: .sparse), classes: 3),
    Case(
      name: "sparse rows, residual",
      layers: [Residual(shortcut: Dense(5)) { Dense(5) }, Dense(3)],
      input: Shape([40], element: .sparse), classes: 3),
    Case(
      name: "product of factors, squared error",
      layers: [FactorProduct(users: 5, items: 7, width: 4)],
      input: Shape([2], element: .index, indexCounts: [5, 7]), classes: 1, loss: MeanSquaredError()),
    Case(
      name: "squared error", layers: [Dense(6), Tanh(), Dense(1)], input: Shape([4]), classes: 1,
      loss: MeanSquaredError()),
    Case(
      name: "yes or no", layers: [Dense(6), Tanh(), Dense(1)], input: Shape([4]), classes: 2,
      loss: BinaryCrossEntropy()),
    Case(
      name: "residual of nothing trained, twice read",
      layers: [
        Dense(6), ReLU(), Residual { ReLU() }, Residual(shortcut: ReLU()) { ReLU() }, Dense(3),
      ], input: Shape([5]), classes: 3),
    Case(
      name: "residual with batch normalisation",
      layers: [
        Convolution2D(4, kernel: 3, padding: 1), BatchNormalization(), ReLU(),
        Residual(activation: ReLU()) {
          Convolution2D(4, kernel: 3, padding: 1, bias: false)
          BatchNormalization()
          ReLU()
          Convolution2D(4, kernel: 3, padding: 1, bias: false)
          BatchNormalization()
        },
        Residual(
          activation: ReLU(),
          shortcut: Sequential {
            Convolution2D(6, kernel: 1, stride: 2, bias: false)
            BatchNormalization()
          }
        ) {
          Convolution2D(6, kernel: 3, stride: 2, padding: 1, bias: false)
          BatchNormalization()
          ReLU()
          Convolution2D(6, kernel: 3, padding: 1, bias: false)
          BatchNormalization()
        },
        GlobalAveragePooling2D(), Dense(3),
      ], input: Shape([6, 8, 2]), classes: 3),
    Case(
      name: "Winograd convolutions",
      layers: [
        Convolution2D(16, kernel: 3, padding: 1), ReLU(),
        Residual {
          Convolution2D(16, kernel: 3, padding: 1); ReLU()
        },
        Convolution2D(32, kernel: 3), GlobalAveragePooling2D(), Dense(3),
      ], input: Shape([6, 7, 1]), classes: 3, convolution: .f2),
    Case(
      name: "transposed convolutions",
      layers: [
        TransposedConvolution2D(5, kernel: 3), ReLU(),
        TransposedConvolution2D(3, kernel: 4, stride: 2, padding: 1, bias: false), Tanh(),
        Flatten(), Dense(3),
      ], input: Shape([2, 3, 4]), classes: 3),
    Case(
      name: "average pooling, leaky relu",
      layers: [
        Convolution2D(3, kernel: 2), LeakyReLU(0.2), AveragePooling2D(2),
        Convolution2D(5, kernel: 1), AveragePooling2D(3, stride: 2), Flatten(), Dense(3),
      ], input: Shape([11, 12, 2]), classes: 3),
    Case(
      name: "functions",
      layers: [
        Dense(6), GELU(), Dense(6), SiLU(), Dense(6), Tanh(), Dense(6), Sigmoid(),
        Residual { GELU() },
        Sigmoid(), Dense(3),
      ], input: Shape([5]), classes: 3),
    Case(
      name: "functions apart",
      layers: [Dense(6), Flatten(), GELU(), Dense(6), Flatten(), SiLU(), Dense(3)],
      input: Shape([5]), classes: 3),
    Case(
      name: "gelu behind convolutions",
      layers: [
        Convolution2D(5, kernel: 3), GELU(), TransposedConvolution2D(3, kernel: 2), SiLU(),
        Flatten(),
        Dense(3),
      ], input: Shape([5, 5, 2]), classes: 3),
    Case(
      name: "layer normalisation", layers: [Dense(9), LayerNormalization(), ReLU(), Dense(3)],
      input: Shape([3, 5]), classes: 3),
    Case(
      name: "embedding and positions",
      layers: [Embedding(11, width: 6), PositionEmbedding(), Dense(4)],
      input: Shape([5], element: .index, indexCounts: [11]), classes: 4),
    Case(
      name: "attention",
      layers: [
        Embedding(9, width: 6),
        Residual {
          LayerNormalization(); Dense(18); SelfAttention(heads: 3); Dense(6)
        }, Dense(9),
      ], input: Shape([7], element: .index, indexCounts: [9]), classes: 9),
    Case(
      name: "full attention",
      layers: [Embedding(9, width: 12), SelfAttention(heads: 2, causal: false), Dense(9)],
      input: Shape([4], element: .index, indexCounts: [9]), classes: 9),
    Case(
      name: "recurrent", layers: [Recurrent(.lstm, 5), Recurrent(.gru, 6), Dense(3)],
      input: Shape([4, 3]), classes: 3),
    Case(
      name: "folded embedding, lstm",
      layers: [Embedding(7, width: 4), Recurrent(.lstm, 5), Dense(7)],
      input: Shape([6], element: .index, indexCounts: [7]), classes: 7),
    Case(
      name: "folded embedding, gru",
      layers: [Embedding(7, width: 4), Recurrent(.gru, 5), Dense(7)],
      input: Shape([6], element: .index, indexCounts: [7]), classes: 7),
    Case(
      name: "dropout", layers: [Dense(12), Dropout(0.4), Dense(8), ReLU(), Dropout(0.2), Dense(3)],
      input: Shape([5]), classes: 3, isRandom: true),
    Case(
      name: "flattened within a residual",
      layers: [
        Convolution2D(3, kernel: 2),
        Flatten(),
        Residual {
          Flatten(); Dense(12)
        }, Flatten(), Dense(3),
      ], input: Shape([3, 3, 1]), classes: 3),
  ]

  @Test(arguments: cases, tables.indices)
  func matchesFiniteDifferences(_ example: Case, table: Int) throws {
    let kernels = tables[table]
    let network = try example.network(kernels)
    let layout = network.layout
    let parameters = FloatBuffer(count: layout.count)
    layout.initialise(parameters, seed: 3)
    let samples = RandomSamples(
      4, of: example.space, targetsPerSample: network.targetsPerSample)
    let gradients = FloatBuffer(count: layout.count)
    let sum = network.gradient(
      of: samples.batch, at: FloatsIn(parameters.pointer), into: gradients.pointer, observer: nil)
    if layout.statistics.isEmpty && !example.isRandom {
      #expect(sum == network.evaluate(samples.batch, at: FloatsIn(parameters.pointer)))
    }
    let shifted = FloatBuffer(count: layout.count), unused = FloatBuffer(count: layout.count)
    func loss(_ direction: [Float], _ range: Range<Int>, _ step: Float) -> Double {
      shifted.copy(from: parameters)
      for (index, value) in zip(range, direction) { shifted[index] += step * value }
      // The loss of training: a batch is normalised by its own moments.
      let sum = network.gradient(
        of: samples.batch, at: FloatsIn(shifted.pointer), into: unused.pointer, observer: nil)
      return sum.loss / Double(samples.batch.count * network.targetsPerSample)
    }
    func check(_ direction: [Float], _ range: Range<Int>, _ what: String) {
      let found = zip(range, direction).reduce(0.0) { $0 + Double(gradients[$1.0] * $1.1) }
      let size = zip(range, direction).reduce(0.0) { $0 + Double(abs(gradients[$1.0] * $1.1)) }
      // A kink of ReLU or of a maximum between the two points spoils one step, not all of them;
      // rounding of the loss, over the step, is what remains.
      let differences = [4e-3, 2e-3, 1e-3, 5e-4, 2.5e-4].map { (step: Float) in
        (loss(direction, range, step) - loss(direction, range, -step)) / 2 / Double(step)
      }
      let error = differences.map { abs(found - $0) }.min()!
      #expect(error < 0.02 * size + 2e-4, "\(what): \(found), not one of \(differences)")
    }
    let random = CounterRandom(seed: 5, stream: .test)
    for (number, tensor) in layout.tensors.enumerated() where tensor.request.role == .trained {
      for trial in 0..<3 {
        let direction = tensor.range.map { index in
          random.normal(UInt64((number * 3 + trial) << 32 + index))
            / Float(tensor.range.count).squareRoot()
        }
        check(direction, tensor.range, "\(tensor.name), direction \(trial)")
      }
      for trial in 0..<4 {
        let index =
          tensor.range.lowerBound
          + random.index(UInt64(1 << 50 + number * 4 + trial), below: tensor.range.count)
        check([1], index..<index + 1, "\(tensor.name)[\(index - tensor.range.lowerBound)]")
      }
    }
  }

  /// Samples that go through layers one by one give what all at once give, but for rounding.
  @Test(arguments: cases) func fewSamplesAtATimeChangeNothing(_ example: Case) throws {
    let results = try [1, 1 << 30].map { cache in
      let network = try example.network(cacheBytes: cache, tables.last!)
      let parameters = FloatBuffer(count: network.layout.count)
      network.layout.initialise(parameters, seed: 3)
      let samples = RandomSamples(
        5, of: example.space, targetsPerSample: network.targetsPerSample)
      let gradients = FloatBuffer(count: network.layout.count)
      let sum = network.gradient(
        of: samples.batch, at: FloatsIn(parameters.pointer), into: gradients.pointer, observer: nil)
      return (sum, Array(gradients.values), network.layers.map(\.samples))
    }
    #expect(abs(results[0].0.loss - results[1].0.loss) < 1e-5 * results[1].0.loss)
    let scale = results[1].1.map(abs).max()!
    for (one, all) in zip(results[0].1, results[1].1) { #expect(abs(one - all) < 1e-5 * scale) }
    #expect(results[1].2.allSatisfy { $0 == 5 })
  }

  /// That test sees something: most cases have layers that are called for fewer samples than there are.
  @Test func samplesDoGoInParts() throws {
    let inParts = try Self.cases.filter { example in
      try example.network(cacheBytes: 1, tables.last!).layers.contains { $0.samples < 5 }
    }
    #expect(inParts.count > Self.cases.count / 2)
  }

  @Test func partsOfABatchAddUpToTheWhole() throws {
    let input = Shape([9, 9, 1])
    let network = try modelCatalog.find("cnn").make(
      for: SampleSpace(input: input, classes: 4), capacity: 8, kernels: tables.last!)
    let parameters = FloatBuffer(count: network.layout.count)
    network.layout.initialise(parameters, seed: 1)
    let samples = RandomSamples(8, of: input, classes: 4)
    func gradient(_ range: Range<Int>) -> FloatBuffer {
      let gradients = FloatBuffer(count: network.layout.count)
      let part = samples.batch.part(
        range, bytesPerSample: input.count * 4, targetsPerSample: 1)
      _ = network.gradient(
        of: part, at: FloatsIn(parameters.pointer), into: gradients.pointer, observer: nil)
      return gradients
    }
    let whole = gradient(0..<8)
    let parts = [gradient(0..<5), gradient(5..<5), gradient(5..<8)]
    for index in 0..<network.layout.count {
      let sum = parts.reduce(0) { $0 + $1[index] }
      #expect(abs(sum - whole[index]) < 1e-6)
    }
  }
}
