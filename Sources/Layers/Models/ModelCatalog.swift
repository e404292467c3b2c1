// The named models. One more model is one more file and one line here.

import Basics

/// Every model by name.
public let modelCatalog = Catalog<ModelRecipe>(
  "model",
  [
    ("linear", linear), ("logistic", logistic), ("mlp", mlp), ("cnn", cnn), ("lenet", lenet),
    ("vgg11", vgg11),
    ("resnet20", resnet20), ("resnet18", resnet18), ("matrix-factorization", matrixFactorization),
    ("gpt", gpt), ("lstm", lstm), ("gru", gru), ("gan", gan),
  ])
