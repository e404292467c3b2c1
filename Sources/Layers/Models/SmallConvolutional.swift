// Small convolutional networks for small pictures.

import Basics

/// One convolution: 3x3x32, pooled, dense.
let cnn = ModelRecipe(
  summary: "one convolution, pooled", home: .digits,
  network: { context in
    Sequential {
      Convolution2D(32, kernel: 3)
      ReLU()
      MaxPooling2D(2)
      Flatten()
      Dense(context.space.classes)
    }
  })

/// Two convolutions and two dense layers, after LeCun et al. 1998 with today's widths.
let lenet = ModelRecipe(
  summary: "two convolutions, two dense layers", home: .digits,
  network: { context in
    Sequential {
      for channels in [32, 64] {
        Convolution2D(channels, kernel: 3, padding: 1)
        ReLU()
        MaxPooling2D(2)
      }
      Flatten()
      Dense(128)
      ReLU()
      Dense(context.space.classes)
    }
  })
