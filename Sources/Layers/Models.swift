// The named models. A model is a list of layers for a given input and number of classes; one more
// model is one more function and one line in the catalogue.

import Basics

/// Builds a named model's layers for samples of a shape and a number of classes.
public typealias ModelBuilder = @Sendable (Shape, Int) -> [any Layer]

/// Every model by name.
public let modelCatalog = Catalog<ModelBuilder>(
  "model",
  [
    ("linear", { _, classes in linear(classes) }),
    ("mlp", { _, classes in mlp(classes) }),
    ("cnn", { _, classes in cnn(classes) }),
    ("lenet", { _, classes in lenet(classes) }),
  ])

/// Softmax regression.
private func linear(_ classes: Int) -> [any Layer] {
  [Flatten(), Dense(classes)]
}

/// Two hidden layers: in - 512 - 256 - classes.
private func mlp(_ classes: Int) -> [any Layer] {
  [Flatten(), Dense(512), ReLU(), Dense(256), ReLU(), Dense(classes)]
}

/// One convolution: 3x3x32, pooled, dense.
private func cnn(_ classes: Int) -> [any Layer] {
  [Convolution2D(32, kernel: 3), ReLU(), MaxPooling2D(2), Flatten(), Dense(classes)]
}

/// Two convolutions and two dense layers, after LeCun et al. 1998 with today's widths.
private func lenet(_ classes: Int) -> [any Layer] {
  [
    Convolution2D(32, kernel: 3, padding: 1), ReLU(), MaxPooling2D(2),
    Convolution2D(64, kernel: 3, padding: 1), ReLU(), MaxPooling2D(2),
    Flatten(), Dense(128), ReLU(), Dense(classes),
  ]
}
