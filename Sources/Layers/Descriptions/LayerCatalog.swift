// The layers that a description may name. One more layer is one more file and one line here.

import Basics
import Kernels

/// Every layer by name.
public let layerCatalog = Catalog<LayerRecipe>(
  "layer",
  [
    ("dense", denseRecipe), ("convolution", convolutionRecipe),
    ("transposed-convolution", transposedConvolutionRecipe),
    ("max-pooling", maxPoolingRecipe), ("average-pooling", averagePoolingRecipe),
    ("global-average-pooling", plain("mean over an image's pixels", GlobalAveragePooling2D())),
    ("batch-normalisation", batchNormalizationRecipe),
    ("layer-normalisation", layerNormalizationRecipe),
    ("relu", plain("max(x, 0)", ReLU())), ("leaky-relu", leakyRecipe),
    ("gelu", plain("x times the normal distribution at x", GELU())),
    ("tanh", plain("hyperbolic tangent", Tanh())),
    ("sigmoid", plain("1 / (1 + exp(-x))", Sigmoid())),
    ("silu", plain("x sigmoid(x)", SiLU())),
    ("dropout", dropoutRecipe), ("embedding", embeddingRecipe),
    ("positions", plain("a learnt vector added at every place", PositionEmbedding())),
    ("attention", attentionRecipe),
    ("lstm", recurrentRecipe(.lstm)), ("gru", recurrentRecipe(.gru)),
    ("flatten", plain("from an image to a vector", Flatten())), ("residual", residualRecipe),
    ("sequence", sequenceRecipe),
  ])

private func plain(_ summary: String, _ part: any NetworkPart) -> LayerRecipe {
  LayerRecipe(summary) { _, _ in part }
}

private let denseRecipe = LayerRecipe(
  "fully connected",
  settings: [
    Setting("features", default: "", help: "outputs"),
    Setting("bias", default: "true", help: "whether a number is added to every output"),
  ]
) { settings, _ in
  Dense(try settings.int("features", .from(1, to: 16_777_216)), bias: try settings.bool("bias"))
}

private let convolutionSettings = [
  Setting("channels", default: "", help: "channels of the result"),
  Setting("kernel", default: "3", help: "extent of the square kernel"),
  Setting("stride", default: "1", help: "step between places of the kernel"),
  Setting("padding", default: "0", help: "zeros added on each side"),
  Setting("bias", default: "true", help: "whether a number is added to every channel"),
]

private func filters(_ settings: Settings) throws(SettingError) -> Filters {
  let kernel = try settings.int("kernel", .from(1, to: 64))
  return Filters(
    try settings.int("channels", .from(1, to: 65_536)), kernel: kernel,
    stride: try settings.int("stride", .from(1, to: 64)),
    padding: try settings.int("padding", .from(0, below: Double(kernel))),
    bias: try settings.bool("bias"))
}

private let convolutionRecipe = LayerRecipe("2-D convolution", settings: convolutionSettings) {
  settings, _ in
  Convolution2D(try filters(settings))
}

private let transposedConvolutionRecipe = LayerRecipe(
  "2-D convolution from results to images, which makes images larger",
  settings: convolutionSettings
) { settings, _ in
  TransposedConvolution2D(try filters(settings))
}

private let windowSettings = [
  Setting("window", default: "2", help: "extent of the square window"),
  Setting("stride", default: "", help: "step between windows; the window's extent if left out"),
]

/// Window and stride.
private func window(_ settings: Settings) throws(SettingError) -> (Int, Int?) {
  let isTiled = settings.string("stride").isEmpty
  return (
    try settings.int("window", .from(1, to: 15)),
    isTiled ? nil : try settings.int("stride", .from(1, to: 64))
  )
}

private let maxPoolingRecipe = LayerRecipe(
  "largest value of each window", settings: windowSettings
) { settings, _ in
  let (window, stride) = try window(settings)
  return MaxPooling2D(window, stride: stride)
}

private let averagePoolingRecipe = LayerRecipe(
  "mean of each window", settings: windowSettings
) { settings, _ in
  let (window, stride) = try window(settings)
  return AveragePooling2D(window, stride: stride)
}

private let batchNormalizationRecipe = LayerRecipe(
  "each channel to mean 0 and deviation 1 over the batch",
  settings: [
    Setting("epsilon", default: "1e-5", help: "added to the variance"),
    Setting("momentum", default: "0.1", help: "share of the newest batch in running statistics"),
  ]
) { settings, _ in
  BatchNormalization(
    epsilon: try settings.float("epsilon", .above(0)),
    momentum: try settings.float("momentum", .above(0, to: 1)))
}

private let layerNormalizationRecipe = LayerRecipe(
  "each sample, or token, to mean 0 and deviation 1 over its features",
  settings: [Setting("epsilon", default: "1e-5", help: "added to the variance")]
) { settings, _ in
  LayerNormalization(epsilon: try settings.float("epsilon", .above(0)))
}

private let leakyRecipe = LayerRecipe(
  "x where positive, else a share of it",
  settings: [Setting("slope", default: "0.01", help: "share of a negative number")]
) { settings, _ in
  LeakyReLU(try settings.float("slope", .from(0, below: 1)))
}

private let dropoutRecipe = LayerRecipe(
  "zeros at random, in training only",
  settings: [Setting("rate", default: "0.5", help: "share of zeros")]
) { settings, _ in
  Dropout(try settings.float("rate", .from(0, below: 1)))
}

private let embeddingRecipe = LayerRecipe(
  "a learnt vector for every symbol",
  settings: [
    Setting("width", default: "", help: "numbers per symbol"),
    Setting("symbols", default: "", help: "how many there are; the data's if left out"),
    Setting("deviation", default: "1", help: "of the initial values"),
  ]
) { settings, _ in
  let isKnown = !settings.string("symbols").isEmpty
  return Embedding(
    isKnown ? try settings.int("symbols", .from(1, to: 16_777_216)) : nil,
    width: try settings.int("width", .from(1, to: 65_536)),
    deviation: try settings.float("deviation", .above(0)))
}

private let attentionRecipe = LayerRecipe(
  "attention over queries, keys and values that lie side by side",
  settings: [
    Setting("heads", default: "1", help: "heads, which divide the width"),
    Setting("causal", default: "true", help: "whether a place sees only itself and earlier ones"),
  ]
) { settings, _ in
  SelfAttention(
    heads: try settings.int("heads", .from(1, to: 1_024)), causal: try settings.bool("causal"))
}

private func recurrentRecipe(_ cell: RecurrentCell) -> LayerRecipe {
  LayerRecipe(
    "recurrent layer of \(cell) cells, its state at every place",
    settings: [Setting("features", default: "", help: "features of the state")]
  ) { settings, _ in
    Recurrent(cell, try settings.int("features", .from(1, to: 65_536)))
  }
}

private let residualRecipe = LayerRecipe(
  "activation of main path + shortcut",
  settings: [
    Setting("activation", default: "none", help: "of the sum: none or the name of a function")
  ],
  parts: ["main", "shortcut"], needed: ["main"]
) { settings, parts in
  let functions: [String: any Layer] = [
    "relu": ReLU(), "leaky-relu": LeakyReLU(), "gelu": GELU(), "tanh": Tanh(),
    "sigmoid": Sigmoid(), "silu": SiLU(),
  ]
  let name = try settings.choice("activation", of: ["none"] + functions.keys.sorted())
  return Residual(activation: functions[name], shortcut: parts["shortcut"]) {
    parts["main"]?.parts ?? []
  }
}

private let sequenceRecipe = LayerRecipe(
  "layers one behind the other", parts: ["layers"], needed: ["layers"]
) { _, parts in
  parts["layers"] ?? Sequential([])
}
