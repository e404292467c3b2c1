import Basics
import Kernels
import Layers
import Messaging
import Testing

@testable import Training

/// Models that are in no catalogue, written in Swift.
@Suite struct OwnModelTests {
  private static let model = ModelRecipe.own { space in
    for channels in [4, 8] {
      Convolution2D(channels, kernel: 3, padding: 1)
      BatchNormalization()
      ReLU()
      AveragePooling2D(2)
    }
    Flatten()
    Dense(space.classes).named("head")
  }

  private func train(_ folder: String, steps: Int, resume: Bool = false) throws -> [Ending] {
    try LocalWorld.run(ranks: 2) { communicator in
      var job = Job()
      (job.model, job.data, job.batch, job.steps) = ("mine", "generated:160,40", 16, steps)
      return try Trainer(
        job, model: Self.model, folder: folder, resume: resume, style: .none, over: communicator,
        kernels: KernelSelection.best
      ).run()
    }
  }

  @Test func theyTrainAndResume() throws {
    let folder = try TemporaryFolder()
    let whole = try train(folder("whole"), steps: 12)
    _ = try train(folder("parts"), steps: 5)
    let parts = try train(folder("parts"), steps: 12, resume: true)
    #expect(whole[0].heldOut == parts[0].heldOut && whole[0].step == 12)
    let stored = try StoredModel(at: folder("parts"))
    #expect(stored.facts.model == "mine")
    #expect(stored.tensors.contains { $0.name == "head.weight" && $0.shape == [10, 7 * 7 * 8] })
  }

  @Test func aLayerThatDoesNotFitIsNamed() {
    let error = #expect(throws: (any Error).self) {
      try ModelRecipe.own { _ in
        Dense(3)
      }.make(
        for: SampleSpace(input: Shape([8, 8, 1]), classes: 2), capacity: 1,
        kernels: KernelSelection.best)
    }
    #expect("\(error!)".contains("layer 0") && "\(error!)".contains("8x8x1"))
  }
}
