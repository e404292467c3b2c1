// A generative adversarial pair for small pictures (after Radford, Metz, Chintala: Unsupervised
// representation learning with deep convolutional generative adversarial networks, ICLR 2016): transposed
// convolutions from noise to a picture, strided convolutions from a picture to one number, batch
// normalisation everywhere but at the picture and at the verdict. Parameters are named as in PyTorch
// modules that are called generator and discriminator and are nn.Sequential: generator.0.weight, ...
//
// Each network has a learning rate of its own (two optimizers; Heusel et al.: GANs trained by a two
// time-scale update rule, NeurIPS 2017).

import Basics

let gan = ModelRecipe(
  summary: "generator and discriminator of pictures (DCGAN)",
  settings: [
    Setting("noise", default: "100", help: "random numbers that a picture is made from"),
    Setting("width", default: "64", help: "channels beside the picture; then twice as many"),
    Setting("range", default: "0..1", help: "pixels that are generated: 0..1, -1..1 or any"),
    Setting("generator-rate", default: "1", help: "factor on the generator's learning rate"),
    Setting("discriminator-rate", default: "1", help: "the same for the discriminator"),
  ],
  home: .digits,
  make: { context in
    let input = context.space.input
    guard input.element == .float, input.dimensions.count == 3,
      input.dimensions[0].isMultiple(of: 4), input.dimensions[1] == input.dimensions[0]
    else {
      throw ShapeError(
        "the model needs square pictures whose height can be halved twice; samples are \(input)")
    }
    let settings = context.settings
    let noise = try settings.int("noise", .from(1, to: 65_536))
    let width = try settings.int("width", .from(1, to: 4_096))
    let range = try settings.choice("range", of: ["0..1", "-1..1", "any"])
    return try Adversarial(
      generator: generator(input.dimensions, width: width, range: range),
      discriminator: discriminator(input.dimensions, width: width),
      noise: Shape([1, 1, noise]), input: input,
      rates: (
        try settings.float("generator-rate", .above(0)),
        try settings.float("discriminator-rate", .above(0))
      ),
      capacity: context.capacity, convolution: context.convolution, kernels: context.kernels)
  })

/// DCGAN's deviation of initial weights.
private let deviation: Float = 0.02

private func generator(_ picture: [Int], width: Int, range: String) -> any NetworkPart {
  Sequential {
    TransposedConvolution2D(
      2 * width, kernel: picture[0] / 4, bias: false, deviation: deviation)
    BatchNormalization()
    ReLU()
    TransposedConvolution2D(
      width, kernel: 4, stride: 2, padding: 1, bias: false, deviation: deviation)
    BatchNormalization()
    ReLU()
    TransposedConvolution2D(
      picture[2], kernel: 4, stride: 2, padding: 1, bias: false, deviation: deviation)
    if range == "0..1" { Sigmoid() }
    if range == "-1..1" { Tanh() }
  }
}

private func discriminator(_ picture: [Int], width: Int) -> any NetworkPart {
  Sequential {
    Convolution2D(width, kernel: 4, stride: 2, padding: 1, bias: false, deviation: deviation)
    LeakyReLU(0.2)
    Convolution2D(2 * width, kernel: 4, stride: 2, padding: 1, bias: false, deviation: deviation)
    BatchNormalization()
    LeakyReLU(0.2)
    Convolution2D(1, kernel: picture[0] / 4, bias: false, deviation: deviation)
  }
}
