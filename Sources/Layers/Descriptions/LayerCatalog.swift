// The layers that a description may name. One more layer is one more file and one line here.

import Basics

/// Every layer by name.
public let layerCatalog = Catalog<LayerRecipe>(
  "layer",
  [
    ("dense", denseRecipe), ("convolution", convolutionRecipe),
    ("max-pooling", maxPoolingRecipe), ("global-average-pooling", globalPoolingRecipe),
    ("batch-normalisation", batchNormalizationRecipe), ("relu", plain("max(x, 0)", ReLU())),
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

private let convolutionRecipe = LayerRecipe(
  "2-D convolution",
  settings: [
    Setting("channels", default: "", help: "channels of the result"),
    Setting("kernel", default: "3", help: "extent of the square kernel"),
    Setting("stride", default: "1", help: "step between places of the kernel"),
    Setting("padding", default: "0", help: "zeros added on each side"),
    Setting("bias", default: "true", help: "whether a number is added to every channel"),
  ]
) { settings, _ in
  let kernel = try settings.int("kernel", .from(1, to: 64))
  return Convolution2D(
    try settings.int("channels", .from(1, to: 65_536)), kernel: kernel,
    stride: try settings.int("stride", .from(1, to: 64)),
    padding: try settings.int("padding", .from(0, below: Double(kernel))),
    bias: try settings.bool("bias"))
}

private let maxPoolingRecipe = LayerRecipe(
  "largest value of each window",
  settings: [
    Setting("window", default: "2", help: "extent of the square window"),
    Setting("stride", default: "", help: "step between windows; the window's extent if left out"),
  ]
) { settings, _ in
  let window = try settings.int("window", .from(1, to: 15))
  let stride =
    settings.string("stride").isEmpty ? nil : try settings.int("stride", .from(1, to: 64))
  return MaxPooling2D(window, stride: stride)
}

private let globalPoolingRecipe = LayerRecipe("mean over an image's pixels") { _, _ in
  GlobalAveragePooling2D()
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
    momentum: try settings.float("momentum", .from(1e-6, to: 1)))
}

private let residualRecipe = LayerRecipe(
  "activation of main path + shortcut",
  settings: [Setting("activation", default: "none", help: "of the sum: none or relu")],
  parts: ["main", "shortcut"]
) { settings, parts in
  let activation = try settings.choice("activation", of: ["none", "relu"])
  return Residual(
    activation: activation == "relu" ? ReLU() : nil, shortcut: parts["shortcut"]
  ) { parts["main"]?.parts ?? [] }
}

private let sequenceRecipe = LayerRecipe("layers one behind the other", parts: ["layers"]) {
  _, parts in
  parts["layers"] ?? Sequential([])
}
