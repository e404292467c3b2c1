// VGG with batch normalisation, eleven layers (Simonyan, Zisserman: Very deep convolutional networks
// for large-scale image recognition, ICLR 2015, configuration A), in the form that is usual for
// pictures of 32 x 32: one dense layer behind the last pooling. Parameters are named as in
// torchvision: features.N, classifier.

import Basics

let vgg11 = ModelRecipe(
  summary: "VGG of 11 layers with batch normalisation, for 32x32", home: .photographs,
  network: { context in
    let channels = [64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0]  // 0: pooling
    return Sequential {
      Sequential {
        for count in channels {
          if count == 0 {
            MaxPooling2D(2)
          } else {
            Convolution2D(count, kernel: 3, padding: 1)
            BatchNormalization()
            ReLU()
          }
        }
      }.named("features")
      Flatten()
      Dense(context.space.classes).named("classifier")
    }
  })
