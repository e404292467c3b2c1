import Basics
import Kernels
import Layers
import Testing

/// Every layer's gradients against finite differences of the loss, by tensor and by coordinate.
@Suite struct GradientTests {
  @Test(arguments: GradientCase.all, tables.indices)
  func matchesFiniteDifferences(_ example: GradientCase, table: Int) throws {
    let kernels = tables[table]
    let network = try example.network(kernels)
    let layout = network.layout
    let parameters = FloatBuffer(count: layout.count)
    layout.initialise(parameters, seed: 3)
    let samples = RandomSamples(
      4, of: example.space, targetsPerSample: network.targetsPerSample)
    let gradients = FloatBuffer(count: layout.count)
    let sum = network.gradient(
      of: samples.batch, at: FloatsIn(parameters.pointer), into: gradients.pointer, observer: nil)
    if layout.statistics.isEmpty && !example.isRandom {
      #expect(sum == network.evaluate(samples.batch, at: FloatsIn(parameters.pointer)))
    }
    let shifted = FloatBuffer(count: layout.count), unused = FloatBuffer(count: layout.count)
    func loss(_ direction: [Float], _ range: Range<Int>, _ step: Float) -> Double {
      shifted.copy(from: parameters)
      for (index, value) in zip(range, direction) { shifted[index] += step * value }
      // The loss of training: a batch is normalised by its own moments.
      let sum = network.gradient(
        of: samples.batch, at: FloatsIn(shifted.pointer), into: unused.pointer, observer: nil)
      return sum.loss / Double(samples.batch.count * network.targetsPerSample)
    }
    func check(_ direction: [Float], _ range: Range<Int>, _ what: String) {
      let found = zip(range, direction).reduce(0.0) { $0 + Double(gradients[$1.0] * $1.1) }
      let size = zip(range, direction).reduce(0.0) { $0 + Double(abs(gradients[$1.0] * $1.1)) }
      // A kink of ReLU or of a maximum between the two points spoils one step, not all of them;
      // rounding of the loss, over the step, is what remains.
      let differences = [4e-3, 2e-3, 1e-3, 5e-4, 2.5e-4].map { (step: Float) in
        (loss(direction, range, step) - loss(direction, range, -step)) / 2 / Double(step)
      }
      let error = differences.map { abs(found - $0) }.min()!
      #expect(error < 0.02 * size + 2e-4, "\(what): \(found), not one of \(differences)")
    }
    let random = CounterRandom(seed: 5, stream: .test)
    for (number, tensor) in layout.tensors.enumerated() where tensor.request.role == .trained {
      for trial in 0..<3 {
        let direction = tensor.range.map { index in
          random.normal(UInt64((number * 3 + trial) << 32 + index))
            / Float(tensor.range.count).squareRoot()
        }
        check(direction, tensor.range, "\(tensor.name), direction \(trial)")
      }
      for trial in 0..<4 {
        let index =
          tensor.range.lowerBound
          + random.index(UInt64(1 << 50 + number * 4 + trial), below: tensor.range.count)
        check([1], index..<index + 1, "\(tensor.name)[\(index - tensor.range.lowerBound)]")
      }
    }
  }

  /// Samples that go through layers one by one give what all at once give, but for rounding.
  @Test(arguments: GradientCase.all) func fewSamplesAtATimeChangeNothing(_ example: GradientCase)
    throws
  {
    let results = try [1, 1 << 30].map { cache in
      let network = try example.network(cacheBytes: cache, tables.last!)
      let parameters = FloatBuffer(count: network.layout.count)
      network.layout.initialise(parameters, seed: 3)
      let samples = RandomSamples(
        5, of: example.space, targetsPerSample: network.targetsPerSample)
      let gradients = FloatBuffer(count: network.layout.count)
      let sum = network.gradient(
        of: samples.batch, at: FloatsIn(parameters.pointer), into: gradients.pointer, observer: nil)
      return (sum, Array(gradients.values), network.layers.map(\.samples))
    }
    #expect(abs(results[0].0.loss - results[1].0.loss) < 1e-5 * results[1].0.loss)
    let scale = results[1].1.map(abs).max()!
    for (one, all) in zip(results[0].1, results[1].1) { #expect(abs(one - all) < 1e-5 * scale) }
    #expect(results[1].2.allSatisfy { $0 == 5 })
  }

  /// That test sees something: most cases have layers that are called for fewer samples than there are.
  @Test func samplesDoGoInParts() throws {
    let inParts = try GradientCase.all.filter { example in
      try example.network(cacheBytes: 1, tables.last!).layers.contains { $0.samples < 5 }
    }
    #expect(inParts.count > GradientCase.all.count / 2)
  }

  @Test func partsOfABatchAddUpToTheWhole() throws {
    let input = Shape([9, 9, 1])
    let network = try modelCatalog.find("cnn").make(
      for: SampleSpace(input: input, classes: 4), capacity: 8, kernels: tables.last!)
    let parameters = FloatBuffer(count: network.layout.count)
    network.layout.initialise(parameters, seed: 1)
    let samples = RandomSamples(8, of: input, classes: 4)
    func gradient(_ range: Range<Int>) -> FloatBuffer {
      let gradients = FloatBuffer(count: network.layout.count)
      let part = samples.batch.part(
        range, bytesPerSample: input.count * 4, targetsPerSample: 1)
      _ = network.gradient(
        of: part, at: FloatsIn(parameters.pointer), into: gradients.pointer, observer: nil)
      return gradients
    }
    let whole = gradient(0..<8)
    let parts = [gradient(0..<5), gradient(5..<5), gradient(5..<8)]
    for index in 0..<network.layout.count {
      let sum = parts.reduce(0) { $0 + $1[index] }
      #expect(abs(sum - whole[index]) < 1e-6)
    }
  }
}
