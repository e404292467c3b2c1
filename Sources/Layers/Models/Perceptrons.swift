// Softmax regression, of dense samples and of sparse ones, and a perceptron with two hidden layers.

import Basics

/// Softmax regression.
let linear = ModelRecipe(
  summary: "softmax regression", home: .digits,
  network: { context in
    Sequential {
      Flatten()
      Dense(context.space.classes)
    }
  })

/// Two hidden layers: in - 512 - 256 - classes.
let mlp = ModelRecipe(
  summary: "two hidden layers of 512 and 256", home: .digits,
  network: { context in
    Sequential {
      Flatten()
      Dense(512)
      ReLU()
      Dense(256)
      ReLU()
      Dense(context.space.classes)
    }
  })

/// Logistic regression for vectors, sparse or not; with more than two classes it is softmax regression.
let logistic = ModelRecipe(
  summary: "logistic regression, also of sparse samples",
  home: SampleSpace(input: Shape([123], element: .sparse), classes: 2),
  network: { context in
    Sequential { Dense(context.space.classes) }
  })
