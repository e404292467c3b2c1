import Basics
import Kernels
import Layers
import Testing

@Suite struct NetworkTests {
  private func network(
    _ model: String, _ space: SampleSpace, capacity: Int = 4, _ kernels: KernelTable
  ) throws -> any Model {
    try modelCatalog.find(model).make(for: space, capacity: capacity, kernels: kernels)
  }

  /// Where a model is at home, but smaller where that is possible.
  private func small(_ model: String) throws -> SampleSpace {
    var space = try modelCatalog.find(model).home
    if space.input.dimensions == [28, 28, 1] {
      space.input = Shape(model == "gan" ? [12, 12, 1] : [13, 14, 1])
    }
    return space
  }

  @Test func modelsHaveTheLiteraturesSizes() throws {
    let expected = [
      "linear": 7_850, "logistic": 248, "matrix-factorization": 86_626, "gpt": 818_176,
      "lstm": 148_801,
      "gru": 115_777, "mlp": 535_818, "gan": 898_304,
      "cnn": 54_410, "lenet": 421_642,
      "resnet20": 272_474,
      "resnet18": 11_173_962, "vgg11": 9_231_114,
    ]
    for (model, count) in expected {
      let layout = try network(model, modelCatalog.find(model).home, capacity: 1, tables[0]).layout
      #expect(layout.parameterCount == count, "\(model)")
    }
    #expect(Set(modelCatalog.names) == Set(expected.keys))
  }

  @Test func namesFollowTheUnfusedSequence() throws {
    for kernels in tables {
      let layout = try network("lenet", .init(input: Shape([28, 28, 1]), classes: 10), kernels)
        .layout
      #expect(
        layout.tensors.map(\.name) == [
          "0.weight", "0.bias", "3.weight", "3.bias", "7.weight", "7.bias", "9.weight", "9.bias",
        ])
      #expect(layout.tensors[0].request.exportedShape == [32, 1, 3, 3])
      #expect(layout.tensors[4].request.exportedShape == [128, 3136])
    }
  }

  @Test(arguments: modelCatalog.names) func instructionSetsAgree(_ model: String) throws {
    let space = try small(model)
    // Plain loops, and initial values in debug builds, take seconds over a large model.
    let isLarge =
      try network(model, space, capacity: 1, tables[0]).layout.parameterCount > 1_000_000
    let samples = RandomSamples(
      isLarge ? 2 : 4, of: space,
      targetsPerSample: try network(model, space, capacity: 1, tables[0]).targetsPerSample)
    var reference: (LossSum, FloatBuffer)?
    for kernels in tables {
      if isLarge && kernels.instructionSet == .scalar { continue }
      let network = try network(model, space, kernels)
      let parameters = FloatBuffer(count: network.layout.count)
      network.layout.initialise(parameters, seed: 7)
      let gradients = FloatBuffer(count: network.layout.count)
      let sum = network.gradient(
        of: samples.batch, at: FloatsIn(parameters.pointer), into: gradients.pointer, observer: nil)
      guard let (expected, expectedGradients) = reference else {
        reference = (sum, gradients)
        continue
      }
      #expect(abs(sum.loss - expected.loss) < 1e-5 * expected.loss)
      #expect(sum.correct == expected.correct)
      let scale = expectedGradients.values.map(abs).max()!
      for index in 0..<gradients.count {
        #expect(abs(gradients[index] - expectedGradients[index]) < 2e-5 * scale)
      }
    }
  }

  @Test func backwardReportsEveryRangeFromTheBack() throws {
    for model in modelCatalog.names {
      let space = try small(model)
      let network = try network(model, space, tables.last!)
      let parameters = FloatBuffer(count: network.layout.count)
      let gradients = FloatBuffer(count: network.layout.count)
      for count in [3, 0] {
        let listener = Listener()
        let samples = RandomSamples(
          max(count, 1), of: space, targetsPerSample: network.targetsPerSample)
        var batch = samples.batch
        batch.count = count
        gradients.values.update(repeating: .nan)
        let sum = network.gradient(
          of: batch, at: FloatsIn(parameters.pointer), into: gradients.pointer, observer: listener)
        #expect(listener.sum == sum)
        #expect(listener.pauses > 0 || count == 0 || model == "gan")
        #expect(FloatBuffer.aligned(listener.ranges.first?.upperBound ?? 0) == network.layout.count)
        #expect(listener.ranges.last?.lowerBound == 0)
        for (back, front) in zip(listener.ranges, listener.ranges.dropFirst()) {
          #expect(FloatBuffer.aligned(front.upperBound) == back.lowerBound)
        }
        for tensor in network.layout.tensors {
          #expect(gradients[tensor.range].allSatisfy { $0.isFinite }, "every value is written")
        }
      }
    }
  }

  @Test func shapeErrorsNameLayerAndShape() {
    func message(_ layers: [any NetworkPart], _ input: Shape) -> String {
      do {
        _ = try Network(input: input, capacity: 1, kernels: tables[0]) { layers }
        return "no error"
      } catch { return "\(error)" }
    }
    let first = message([Dense(3)], Shape([4, 4, 1]))
    #expect(first.contains("layer 0") && first.contains("4x4x1") && first.contains("Flatten"))
    let second = message(
      [Convolution2D(2, kernel: 3), ReLU(), Convolution2D(2, kernel: 3)], Shape([4, 4, 1]))
    #expect(second.contains("layer 2") && second.contains("2x2x2"))
    #expect(message([MaxPooling2D(2)], Shape([9])).contains("9"))
    #expect(message([ReLU()], Shape([9], element: .index)).contains("indices"))
    #expect(message([ReLU()], Shape([9], element: .sparse)).contains("sparse rows"))
    let twice = message([Dense(3).named("a"), Dense(3).named("a")], Shape([4]))
    #expect(twice.contains("a.weight already"))
    #expect(message([Dense(3).named("1"), Dense(3)], Shape([4])).contains("1.weight already"))
    #expect(message([Flatten()], Shape([4, 4, 1])).contains("train"))
    let huge = Shape([1 << 24, 1 << 24, 1 << 24])
    #expect(message([Flatten(), Dense(3)], huge).contains("a sample of 16777216x"))
    let growth = (0..<7).map { _ in TransposedConvolution2D(65_536, kernel: 64, stride: 64) }
    #expect(message(growth, Shape([28, 28, 1])).contains("layer 0"))
    #expect(message(growth, Shape([28, 28, 1])).contains("numbers"))
  }

  @Test func indicesAreCountedBehindFlatten() throws {
    let space = Shape([6], element: .index, indexCounts: [9])
    let network = try Network(input: space, capacity: 1, kernels: tables[0]) {
      Flatten()
      Embedding(width: 4)
      Dense(9)
    }
    #expect(network.layout.tensors[0].request.shape == [9, 4])
  }

  /// Behind a flattened image, whatever has a number per feature is exported channels first.
  @Test func flattenedFeaturesAreExportedAsPyTorchHasThem() throws {
    let network = try Network(input: Shape([4, 5, 3]), capacity: 1, kernels: tables[0]) {
      Flatten()
      BatchNormalization()
      Residual { LayerNormalization() }
      Dense(2)
    }
    let tensors = Dictionary(uniqueKeysWithValues: network.layout.tensors.map { ($0.name, $0) })
    for name in ["1.weight", "1.running_var", "2.0.bias"] {
      let tensor = try #require(tensors[name])
      #expect(tensor.request.exportedShape == [60])
      var order: [Int] = []
      tensor.forEachExported { _, flat in order.append(flat - tensor.range.lowerBound) }
      // Memory is (row, column, channel).
      #expect(order[0..<3] == [0, 3, 6] && order[20] == 1)
    }
    #expect(tensors["3.weight"]?.request.exportedShape == [2, 60])
    #expect(tensors["3.weight"]?.request.axes == [3, 2, 0, 1])
  }

  /// A thousand layers that fuse are planned at once; with a search from the start after each of them
  /// this would not end.
  @Test func deepNetworksArePlanned() throws {
    let network = try Network(input: Shape([4]), capacity: 1, kernels: tables.last!) {
      for _ in 0..<2_000 {
        Dense(4)
        ReLU()
      }
    }
    #expect(network.layers.count == 2_000)
  }
}
