// Residual networks for small pictures (He et al.: Deep residual learning for image recognition, CVPR
// 2016). A block is two 3x3 convolutions beside its input; where a stage begins with a stride of 2
// or more channels, a 1x1 convolution stands in the shortcut (option B). Parameters are named as in
// torchvision: conv1, bn1, layer1.0.conv1, ..., layer2.0.downsample.0, fc.

import Basics

/// 3 stages of 3 blocks with 16, 32, 64 channels.
let resnet20 = ModelRecipe(
  summary: "residual network of 20 layers, for 32x32", home: .photographs,
  network: { residualNetwork(stages: [16, 32, 64], blocks: 3, classes: $0.space.classes) })

/// 4 stages of 2 blocks with 64 to 512 channels; a 3x3 convolution in front (the form for 32x32).
let resnet18 = ModelRecipe(
  summary: "residual network of 18 layers, for 32x32", home: .photographs,
  network: { residualNetwork(stages: [64, 128, 256, 512], blocks: 2, classes: $0.space.classes) })

private func residualNetwork(stages: [Int], blocks: Int, classes: Int) -> any NetworkPart {
  Sequential {
    Convolution2D(stages[0], kernel: 3, padding: 1, bias: false).named("conv1")
    BatchNormalization().named("bn1")
    ReLU()
    for (stage, channels) in stages.enumerated() {
      Sequential {
        for block in 0..<blocks {
          residualBlock(channels, isWider: block == 0 && stage > 0)
        }
      }.named("layer\(stage + 1)")
    }
    GlobalAveragePooling2D()
    Dense(classes).named("fc")
  }
}

/// - Parameter isWider: halves height and width, on the way to more channels.
private func residualBlock(_ channels: Int, isWider: Bool) -> any NetworkPart {
  let stride = isWider ? 2 : 1
  let shortcut = Sequential {
    Convolution2D(channels, kernel: 1, stride: stride, bias: false)
    BatchNormalization()
  }
  return Residual(activation: ReLU(), shortcut: isWider ? shortcut.named("downsample") : nil) {
    Convolution2D(channels, kernel: 3, stride: stride, padding: 1, bias: false).named("conv1")
    BatchNormalization().named("bn1")
    ReLU()
    Convolution2D(channels, kernel: 3, padding: 1, bias: false).named("conv2")
    BatchNormalization().named("bn2")
  }
}
