import Basics
import Kernels
import Layers
import Testing

/// Layers whose gradients are checked.
struct GradientCase: CustomTestStringConvertible, Sendable {
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

extension GradientCase {
  static let all = [
    GradientCase(name: "dense", layers: [Dense(5)], input: Shape([7]), classes: 5),
    GradientCase(
      name: "dense on dense", layers: [Dense(6), Dense(4)], input: Shape([9]), classes: 4),
    GradientCase(
      name: "dense with relu", layers: [Dense(16), ReLU(), Dense(3)], input: Shape([8]), classes: 3),
    GradientCase(
      name: "relu alone", layers: [Dense(16), Flatten(), ReLU(), Dense(3)], input: Shape([8]),
      classes: 3),
    GradientCase(
      name: "convolution", layers: [Convolution2D(5, kernel: 3), Flatten(), Dense(3)],
      input: Shape([6, 7, 2]), classes: 3),
    GradientCase(
      name: "convolution, stride, padding, relu",
      layers: [
        Convolution2D(4, kernel: 3, padding: 1), ReLU(),
        Convolution2D(17, kernel: 3, stride: 2, padding: 1), ReLU(), Flatten(), Dense(3),
      ], input: Shape([7, 6, 3]), classes: 3),
    GradientCase(
      name: "convolution 1x1 and 5x5",
      layers: [
        Convolution2D(16, kernel: 5, padding: 2), Convolution2D(8, kernel: 1), Flatten(), Dense(4),
      ], input: Shape([5, 6, 1]), classes: 4),
    GradientCase(
      name: "pooling",
      layers: [Convolution2D(3, kernel: 2), MaxPooling2D(2), Flatten(), Dense(3)],
      input: Shape([8, 9, 1]), classes: 3),
    GradientCase(
      name: "relu before pooling",
      layers: [
        Convolution2D(3, kernel: 2), Convolution2D(5, kernel: 2), ReLU(), MaxPooling2D(2),
        Flatten(), Dense(3),
      ], input: Shape([8, 9, 1]), classes: 3),
    GradientCase(
      name: "overlapping pooling",
      layers: [Convolution2D(3, kernel: 2), MaxPooling2D(3, stride: 2), Flatten(), Dense(3)],
      input: Shape([8, 10, 1]), classes: 3),
    GradientCase(
      name: "fused convolution and pooling",
      layers: [Convolution2D(32, kernel: 3), ReLU(), MaxPooling2D(2), Flatten(), Dense(4)],
      input: Shape([9, 10, 1]), classes: 4),
    GradientCase(
      name: "two convolutions, pooled twice",
      layers: [
        Convolution2D(16, kernel: 3, padding: 1), ReLU(), MaxPooling2D(2),
        Convolution2D(8, kernel: 3, padding: 1), ReLU(), MaxPooling2D(2), Flatten(), Dense(4),
      ], input: Shape([12, 12, 1]), classes: 4),
    GradientCase(
      name: "dense on a sequence, no bias", layers: [Dense(6, bias: false), ReLU(), Dense(3)],
      input: Shape([4, 5]), classes: 3),
    GradientCase(
      name: "batch normalisation", layers: [Dense(7), BatchNormalization(), Dense(3)],
      input: Shape([6]), classes: 3),
    GradientCase(
      name: "batch normalisation of images, relu",
      layers: [
        Convolution2D(5, kernel: 3, bias: false), BatchNormalization(), ReLU(),
        GlobalAveragePooling2D(), Dense(3),
      ], input: Shape([7, 6, 2]), classes: 3),
    GradientCase(
      name: "residual",
      layers: [
        Dense(6),
        Residual {
          Dense(9); ReLU(); Dense(6)
        }, Dense(3),
      ], input: Shape([5]), classes: 3),
    // One layer reads what its result is added to.
    GradientCase(
      name: "residual of one dense layer",
      layers: [Dense(64), ReLU(), Residual { Dense(64) }, Dense(3)], input: Shape([5]), classes: 3),
    GradientCase(
      name: "residual of one batch normalisation, or of nothing",
      layers: [Dense(17), Residual { BatchNormalization() }, Residual {}, Dense(3)],
      input: Shape([5]), classes: 3),
    GradientCase(
      name: "sparse rows", layers: [Dense(6), ReLU(), Dense(3)],
      input: Shape([40], element: .sparse), classes: 3),
    GradientCase(
      name: "sparse rows, residual",
      layers: [Residual(shortcut: Dense(5)) { Dense(5) }, Dense(3)],
      input: Shape([40], element: .sparse), classes: 3),
    GradientCase(
      name: "product of factors, squared error",
      layers: [FactorProduct(users: 5, items: 7, width: 4)],
      input: Shape([2], element: .index, indexCounts: [5, 7]), classes: 1, loss: MeanSquaredError()),
    GradientCase(
      name: "squared error", layers: [Dense(6), Tanh(), Dense(1)], input: Shape([4]), classes: 1,
      loss: MeanSquaredError()),
    GradientCase(
      name: "yes or no", layers: [Dense(6), Tanh(), Dense(1)], input: Shape([4]), classes: 2,
      loss: BinaryCrossEntropy()),
    GradientCase(
      name: "residual of nothing trained, twice read",
      layers: [
        Dense(6), ReLU(), Residual { ReLU() }, Residual(shortcut: ReLU()) { ReLU() }, Dense(3),
      ], input: Shape([5]), classes: 3),
    GradientCase(
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
    GradientCase(
      name: "Winograd convolutions",
      layers: [
        Convolution2D(16, kernel: 3, padding: 1), ReLU(),
        Residual {
          Convolution2D(16, kernel: 3, padding: 1); ReLU()
        },
        Convolution2D(32, kernel: 3), GlobalAveragePooling2D(), Dense(3),
      ], input: Shape([6, 7, 1]), classes: 3, convolution: .f2),
    GradientCase(
      name: "transposed convolutions",
      layers: [
        TransposedConvolution2D(5, kernel: 3), ReLU(),
        TransposedConvolution2D(3, kernel: 4, stride: 2, padding: 1, bias: false), Tanh(),
        Flatten(), Dense(3),
      ], input: Shape([2, 3, 4]), classes: 3),
    GradientCase(
      name: "average pooling, leaky relu",
      layers: [
        Convolution2D(3, kernel: 2), LeakyReLU(0.2), AveragePooling2D(2),
        Convolution2D(5, kernel: 1), AveragePooling2D(3, stride: 2), Flatten(), Dense(3),
      ], input: Shape([11, 12, 2]), classes: 3),
    GradientCase(
      name: "functions",
      layers: [
        Dense(6), GELU(), Dense(6), SiLU(), Dense(6), Tanh(), Dense(6), Sigmoid(),
        Residual { GELU() },
        Sigmoid(), Dense(3),
      ], input: Shape([5]), classes: 3),
    GradientCase(
      name: "functions apart",
      layers: [Dense(6), Flatten(), GELU(), Dense(6), Flatten(), SiLU(), Dense(3)],
      input: Shape([5]), classes: 3),
    GradientCase(
      name: "gelu behind convolutions",
      layers: [
        Convolution2D(5, kernel: 3), GELU(), TransposedConvolution2D(3, kernel: 2), SiLU(),
        Flatten(),
        Dense(3),
      ], input: Shape([5, 5, 2]), classes: 3),
    GradientCase(
      name: "layer normalisation", layers: [Dense(9), LayerNormalization(), ReLU(), Dense(3)],
      input: Shape([3, 5]), classes: 3),
    GradientCase(
      name: "embedding and positions",
      layers: [Embedding(11, width: 6), PositionEmbedding(), Dense(4)],
      input: Shape([5], element: .index, indexCounts: [11]), classes: 4),
    GradientCase(
      name: "attention",
      layers: [
        Embedding(9, width: 6),
        Residual {
          LayerNormalization(); Dense(18); SelfAttention(heads: 3); Dense(6)
        }, Dense(9),
      ], input: Shape([7], element: .index, indexCounts: [9]), classes: 9),
    GradientCase(
      name: "full attention",
      layers: [Embedding(9, width: 12), SelfAttention(heads: 2, causal: false), Dense(9)],
      input: Shape([4], element: .index, indexCounts: [9]), classes: 9),
    GradientCase(
      name: "recurrent", layers: [Recurrent(.lstm, 5), Recurrent(.gru, 6), Dense(3)],
      input: Shape([4, 3]), classes: 3),
    GradientCase(
      name: "folded embedding, lstm",
      layers: [Embedding(7, width: 4), Recurrent(.lstm, 5), Dense(7)],
      input: Shape([6], element: .index, indexCounts: [7]), classes: 7),
    GradientCase(
      name: "folded embedding, gru",
      layers: [Embedding(7, width: 4), Recurrent(.gru, 5), Dense(7)],
      input: Shape([6], element: .index, indexCounts: [7]), classes: 7),
    GradientCase(
      name: "dropout", layers: [Dense(12), Dropout(0.4), Dense(8), ReLU(), Dropout(0.2), Dense(3)],
      input: Shape([5]), classes: 3, isRandom: true),
    GradientCase(
      name: "flattened within a residual",
      layers: [
        Convolution2D(3, kernel: 2),
        Flatten(),
        Residual {
          Flatten(); Dense(12)
        }, Flatten(), Dense(3),
      ], input: Shape([3, 3, 1]), classes: 3),
  ]
}
