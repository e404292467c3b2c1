import Basics
import Kernels
import Layers
import Testing

@testable import Training

@Suite struct NetworkYAMLTests {
  static let yaml = """
    model:
      - convolution: {channels: 16, padding: 1}
      - batch-normalisation
      - relu
      - residual:
          activation: relu
          main:
            - convolution: {channels: 8, kernel: 3, stride: 2, padding: 1, name: first}
            - batch-normalisation
          shortcut:
            - convolution: {channels: 8, kernel: 1, stride: 2, bias: false}
      - max-pooling: 2
      - flatten
      - dense: {features: 10, name: head}
    data: generated:64,16
    batch: 32
    settings: {weight_decay: 0.01}
    """

  @Test func aPersonsOwnModel() throws {
    let job = try Job(yaml: Self.yaml, path: "job.yaml", isPartial: true)
    #expect(job.model == Job.customModel && job.batch == 32 && job.optimizer == "adam")
    #expect(job.settings == ["weight_decay": "0.01"])
    let model = try ModelRecipe.described(job.layers ?? []).make(
      for: SampleSpace(input: Shape([8, 8, 1]), classes: 10), capacity: 2,
      kernels: KernelSelection.best)
    let names = model.layout.tensors.filter { $0.request.role == .trained }.map(\.name)
    #expect(
      names == [
        "0.weight", "0.bias", "1.weight", "1.bias", "3.shortcut.0.weight", "3.first.weight",
        "3.first.bias", "3.1.weight", "3.1.bias", "head.weight", "head.bias",
      ])
  }

  @Test func aJobWithLayersSurvivesYAML() throws {
    let job = try Job(yaml: Self.yaml, path: "job.yaml", isPartial: true)
    let again = try Job(yaml: job.yaml(), path: "again.yaml")
    #expect(again == job && again.layers?.count == 7)
    let layers = try #require(job.layers)
    #expect(try NetworkYAML.layers(NetworkYAML.text(layers), path: "") == layers)
  }

  private func refusal(_ model: String) -> String {
    do {
      _ = try Job(yaml: "data: generated\nmodel:\n" + model, path: "job.yaml", isPartial: true)
      return "accepted"
    } catch {
      #expect(ExitCode(for: error) == .badData)
      return "\(error)"
    }
  }

  @Test func mistakesNameLineAndKey() {
    let cases: [(String, [String])] = [
      ("  - dense: 10\n  - dens: 3\n", ["job.yaml:4", "'dens'", "did you mean 'dense'"]),
      ("  - convolution: {chanels: 3}\n", ["job.yaml:3", "'chanels'", "'channels'"]),
      (
        "  - convolution:\n      channels: 3\n      kernel: big\n",
        ["job.yaml:3", "kernel=big", "whole number"]
      ),
      ("  - convolution: {kernel: 3}\n", ["job.yaml:3", "channels="]),
      ("  - dense: [3, 4]\n", ["job.yaml:3", "dense contains no layers"]),
      ("  - relu: 7\n", ["job.yaml:3", "relu has no settings"]),
      ("  - {dense: 3, relu: 4}\n", ["job.yaml:3", "one kind"]),
      ("  dense: 3\n", ["job.yaml:3", "list of layers"]),
      (
        "  - residual:\n      main:\n        - dense: 5\n        - relux\n",
        ["job.yaml:6", "'relux'"]
      ),
      ("  - dense: {features: [1, 2]}\n", ["job.yaml:3", "features: one value"]),
      ("  - residual\n", ["job.yaml:3", "'main'"]),
      ("  - flatten\n  - sequence: []\n", ["job.yaml:4", "'layers'"]),
      ("  - dense: {features: 3, name: ''}\n", ["job.yaml:3", "name"]),
      ("  - batch-normalisation: {momentum: 0}\n", ["job.yaml:3", "above 0 and at most 1"]),
    ]
    for (model, words) in cases {
      let text = refusal(model)
      for word in words { #expect(text.contains(word), "\(text)") }
    }
    #expect(refusal("  - dense: 1\nbatsh: 3\n").contains("job.yaml:4: not a job description"))
    for (line, need) in [
      ("batch: many", "a whole number"), ("clip: [1]", "a number"), ("seed: -1", "at least 0"),
      ("convolution: f8", "f4"), ("settings: 5", "NAME: VALUE"),
    ] {
      let text = refusal("  - dense: 1\n\(line)\n")
      #expect(text.contains("job.yaml:4") && text.contains(need), "\(text)")
    }
  }

  /// A layer that does not fit is found where the person wrote it, within others too.
  @Test func shapeErrorsNameTheLine() throws {
    let yaml = """
      model:
        - flatten
        - residual:
            main:
              - dense: 5
              - convolution: {channels: 3}
        - dense: 2
      """
    let job = try Job(yaml: yaml, path: "job.yaml", isPartial: true)
    let recipe = try ModelRecipe.described(#require(job.layers))
    let space = SampleSpace(input: Shape([6, 6, 1]), classes: 2)
    do {
      _ = try recipe.make(for: space, capacity: 1, kernels: KernelSelection.best)
      Issue.record("a convolution took a vector")
    } catch {
      let text = "\(error)"
      #expect(text.hasPrefix("job.yaml:6: layer 1.1: ") && text.contains("input of 5"))
    }
  }
}
