import Basics
import Kernels
import Layers
import Testing

/// What batch normalisation finds out about batches, and what it does with that.
@Suite struct BatchNormalizationTests {
  private let shape = Shape([2, 3, 5])

  /// Mean and unbiased variance of each channel of `samples`.
  private func moments(_ samples: RandomSamples) -> [(mean: Double, variance: Double)] {
    let count = samples.batch.count * 6
    let x = samples.batch.inputs.assumingMemoryBound(to: Float.self)
    return (0..<5).map { channel in
      let values = (0..<count).map { Double(x[$0 * 5 + channel]) }
      let mean = values.reduce(0, +) / Double(count)
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (mean, squares / Double(count - 1))
    }
  }

  private func network(_ kernels: KernelTable) throws -> Network {
    try Network(input: shape, capacity: 8, kernels: kernels) {
      BatchNormalization()
      Flatten()
      Dense(3)
    }
  }

  /// In the place of the gradient of running statistics stand the batch's moments, times the batch's
  /// share of the step, so that the sum over ranks is a mean.
  @Test func statisticsAreTheBatchs() throws {
    for kernels in tables {
      let network = try network(kernels)
      let samples = RandomSamples(7, of: shape, classes: 3)
      var batch = samples.batch
      batch.globalCount = 28
      let parameters = FloatBuffer(count: network.layout.count)
      network.layout.initialise(parameters, seed: 1)
      let gradients = FloatBuffer(count: network.layout.count)
      _ = network.gradient(
        of: batch, at: FloatsIn(parameters.pointer), into: gradients.pointer, observer: nil)
      let found = Dictionary(
        uniqueKeysWithValues: network.layout.tensors.map { ($0.name, gradients[$0.range]) })
      for (channel, expected) in moments(samples).enumerated() {
        #expect(abs(Double(found["0.running_mean"]![channel]) - expected.mean / 4) < 1e-6)
        #expect(abs(Double(found["0.running_var"]![channel]) - expected.variance / 4) < 1e-6)
      }
    }
  }

  /// Evaluation normalises by running statistics, whatever the batch.
  @Test func evaluationUsesRunningStatistics() throws {
    for kernels in tables {
      let network = try Network(input: shape, capacity: 8, kernels: kernels) {
        BatchNormalization()
      }
      let samples = RandomSamples(4, of: shape, classes: 5, targets: 6)
      let parameters = FloatBuffer(count: network.layout.count)
      network.layout.initialise(parameters, seed: 1)
      for tensor in network.layout.tensors {
        for (channel, index) in tensor.range.enumerated() {
          switch tensor.name {
          case "0.running_mean": parameters[index] = Float(channel)
          case "0.running_var": parameters[index] = Float(channel + 1)
          case "0.weight": parameters[index] = 2
          default: parameters[index] = -1
          }
        }
      }
      let y = network.outputs(for: samples.batch, at: FloatsIn(parameters.pointer))
      let x = samples.batch.inputs.assumingMemoryBound(to: Float.self)
      for index in 0..<4 * shape.count {
        let channel = Float(index % 5)
        let expected = 2 * (x[index] - channel) / (channel + 1 + 1e-5).squareRoot() - 1
        #expect(abs(y[index] - expected) < 1e-5)
      }
    }
  }

  /// One sample of one pixel has no variance, and no division by zero either.
  @Test func oneNumberPerChannel() throws {
    let network = try Network(input: Shape([5]), capacity: 1, kernels: tables.last!) {
      BatchNormalization()
      Dense(2)
    }
    let samples = RandomSamples(1, of: Shape([5]), classes: 2)
    let parameters = FloatBuffer(count: network.layout.count)
    network.layout.initialise(parameters, seed: 1)
    let gradients = FloatBuffer(count: network.layout.count)
    let sum = network.gradient(
      of: samples.batch, at: FloatsIn(parameters.pointer), into: gradients.pointer, observer: nil)
    #expect(sum.loss.isFinite && gradients.values.allSatisfy { $0.isFinite })
  }
}
