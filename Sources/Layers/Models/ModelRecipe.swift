// What a named model is: how to make it for any data that it can take, and on which data it is at home.

import Basics
import Kernels

/// What a model is made for.
public struct ModelContext {
  /// Samples and targets.
  public var space: SampleSpace
  /// The user's settings.
  public var settings: Settings
  /// Most samples per call.
  public var capacity: Int
  /// How convolutions are computed.
  public var convolution: ConvolutionChoice
  /// The vector code.
  public var kernels: KernelTable

  /// The loss that fits the targets.
  var loss: any Loss {
    space.targets == .numbers ? MeanSquaredError() : SoftmaxCrossEntropy()
  }
}

/// A named model.
public struct ModelRecipe: Sendable {
  /// One line for a list.
  public let summary: String
  /// Every setting that `make` reads.
  public let settings: [Setting]
  /// The data that the literature uses it on, for plans and measurements without data.
  public let home: SampleSpace
  private let build: @Sendable (ModelContext) throws -> any Model

  /// A model that is made in any way.
  init(
    summary: String, settings: [Setting] = [], home: SampleSpace,
    make: @escaping @Sendable (ModelContext) throws -> any Model
  ) {
    (self.summary, self.settings, self.home, build) = (summary, settings, home, make)
  }

  /// A model that is a network.
  init(
    summary: String, settings: [Setting] = [], home: SampleSpace,
    network: @escaping @Sendable (ModelContext) throws -> any NetworkPart
  ) {
    self.init(summary: summary, settings: settings, home: home) { context in
      try Network(
        network(context), loss: context.loss, input: context.space.input,
        capacity: context.capacity, convolution: context.convolution, kernels: context.kernels)
    }
  }

  /// A model of a person's own: layers for samples of the data's kind.
  public static func own(
    @NetworkBuilder _ layers: @escaping @Sendable (SampleSpace) throws -> [any NetworkPart]
  ) -> ModelRecipe {
    ModelRecipe(summary: "own", home: .digits, network: { Sequential(try layers($0.space)) })
  }

  /// A model of a person's own, as a file describes it.
  ///
  /// - Throws: `DescriptionError` naming the place in the description.
  public static func described(_ layers: [LayerDescription]) throws(DescriptionError) -> ModelRecipe
  {
    var parts: [any NetworkPart] = []
    for layer in layers { parts.append(try layer.part()) }
    return own { [parts] _ in parts }
  }

  /// Makes the model for data of `space`.
  ///
  /// - Parameters:
  ///   - given: the user's settings.
  ///   - capacity: most samples per call.
  /// - Throws: `ShapeError` naming a layer that does not fit, `UnknownName` or `SettingError`.
  public func make(
    for space: SampleSpace, settings given: [String: String] = [:], capacity: Int,
    convolution: ConvolutionChoice = .automatic, kernels: KernelTable
  ) throws -> any Model {
    try build(
      ModelContext(
        space: space, settings: Settings(of: "model", declared: settings, given: given),
        capacity: capacity, convolution: convolution, kernels: kernels))
  }
}

extension SampleSpace {
  /// Small grey pictures in ten classes.
  static let digits = SampleSpace(input: Shape([28, 28, 1]), classes: 10)
  /// Small coloured pictures in ten classes.
  static let photographs = SampleSpace(input: Shape([32, 32, 3]), classes: 10)
}
