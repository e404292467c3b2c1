import Basics
import Kernels
import Layers
import Testing

@Suite struct AdversarialTests {
  /// Pictures, more of them than go through a layer at a time.
  private func convolutions() throws -> Adversarial {
    try Adversarial(
      generator: Sequential {
        TransposedConvolution2D(6, kernel: 7); BatchNormalization(); ReLU()
        TransposedConvolution2D(8, kernel: 4, stride: 4); Sigmoid()
      },
      discriminator: Sequential {
        Convolution2D(24, kernel: 4, stride: 2, padding: 1); LeakyReLU(0.2)
        Convolution2D(1, kernel: 14)
      },
      noise: Shape([1, 1, 5]), input: Shape([28, 28, 8]), capacity: 24, kernels: tables.last!)
  }

  private func model(capacity: Int = 6) throws -> Adversarial {
    try Adversarial(
      generator: Sequential {
        Dense(5); BatchNormalization(); ReLU(); Dense(4)
      },
      discriminator: Sequential {
        Dense(7); BatchNormalization(); ReLU(); Dense(1)
      },
      noise: Shape([3]), input: Shape([4]), capacity: capacity, kernels: tables.last!)
  }

  /// Each network's gradient is that of its own aim, the other network being as it is.
  @Test(arguments: [false, true])
  func gradientsMatchFiniteDifferences(_ ofPictures: Bool) throws {
    let model = try ofPictures ? convolutions() : model()
    let layout = model.layout
    let parameters = FloatBuffer(count: layout.count), shifted = FloatBuffer(count: layout.count)
    layout.initialise(parameters, seed: 4)
    let samples = RandomSamples(model.capacity, of: model.input, classes: 2)
    let gradients = FloatBuffer(count: layout.count), unused = FloatBuffer(count: layout.count)
    func aim(_ isGenerator: Bool, _ values: FloatBuffer, into place: FloatBuffer) -> Double {
      _ = model.gradient(
        of: samples.batch, at: FloatsIn(values.pointer), into: place.pointer, observer: nil)
      let aim = isGenerator ? model.aims.generator : model.aims.discriminator
      return aim / Double(model.capacity)
    }
    _ = aim(true, parameters, into: gradients)
    let random = CounterRandom(seed: 5, stream: .test)
    for tensor in layout.tensors where tensor.request.role == .trained {
      let isGenerator = tensor.name.hasPrefix("generator.")
      let direction = tensor.range.map { random.normal(UInt64($0)) }
      let found = zip(tensor.range, direction).reduce(0.0) { $0 + Double(gradients[$1.0] * $1.1) }
      let differences = [2e-3, 1e-3, 5e-4].map { (step: Float) in
        func loss(_ sign: Float) -> Double {
          shifted.copy(from: parameters)
          for (index, value) in zip(tensor.range, direction) {
            shifted[index] += sign * step * value
          }
          return aim(isGenerator, shifted, into: unused)
        }
        return (loss(1) - loss(-1)) / 2 / Double(step)
      }
      let error = differences.map { abs(found - $0) }.min()!
      #expect(error < 0.02 * abs(found) + 1e-3, "\(tensor.name): \(found), not \(differences)")
    }
  }

  @Test func statisticsFollowBothBatches() throws {
    let model = try model()
    let parameters = FloatBuffer(count: model.layout.count)
    model.layout.initialise(parameters, seed: 4)
    let gradients = FloatBuffer(count: model.layout.count)
    let samples = RandomSamples(6, of: Shape([4]), classes: 2)
    _ = model.gradient(
      of: samples.batch, at: FloatsIn(parameters.pointer), into: gradients.pointer, observer: nil)
    for tensor in model.layout.tensors where tensor.name.hasSuffix("running_var") {
      #expect(gradients[tensor.range].allSatisfy { $0 > 0 && $0 < 10 }, "\(tensor.name)")
    }
  }

  @Test func whatIsGeneratedMustLookLikeSamples() {
    func message(_ generated: Int, _ judged: Int) -> String {
      do {
        _ = try Adversarial(
          generator: Dense(generated), discriminator: Dense(judged), noise: Shape([2]),
          input: Shape([4]), capacity: 1, kernels: tables[0])
        return "no error"
      } catch { return "\(error)" }
    }
    #expect(message(5, 1).contains("4 and 5"))
    #expect(message(4, 2).contains("one number"))
    #expect(message(4, 1) == "no error")
  }
}
