// Generative adversarial training (Goodfellow et al.: Generative adversarial nets, NeurIPS 2014): a
// generator makes samples from noise, a discriminator tells them from real ones. With x real, z noise:
//
//   discriminator:  minimise  -log D(x) - log(1 - D(G(z)))
//   generator:      minimise  -log D(G(z))                     (the paper's form that does not saturate)
//
// Both gradients are taken at the same parameters and applied in the same step (simultaneous gradient
// descent: Mescheder, Geiger, Nowozin: Which training methods for GANs do actually converge?, ICML
// 2018), so that any training method can sum, average or compress them like those of one network. Real
// and generated samples are normalised apart, each as a batch. Noise is a function of (seed, epoch,
// step, sample): the same on any number of ranks.

import Basics
import Kernels

/// Two networks with opposite aims. The loss is the sum of both; correct is a real sample that the
/// discriminator takes for real.
public final class Adversarial: Model {
  public let layout: ParameterLayout
  public var capacity: Int { generator.capacity }
  public var input: Shape { discriminator.input }
  public var output: Shape { discriminator.output }
  public let targetKind = TargetKind.classes
  public let targetsPerSample = 1

  private let generator, discriminator: Network
  private let noise: FloatBuffer
  private let samples: FloatBuffer  // generated
  private let beside: FloatBuffer  // gradients of the discriminator's other batch
  private let kernels: KernelTable

  /// The losses of the last gradient's batch, one per network.
  public private(set) var aims = (generator: 0.0, discriminator: 0.0)

  /// Plans both networks.
  ///
  /// - Parameters:
  ///   - noise: one sample of the generator's input.
  ///   - input: one real sample, and so one output of the generator.
  ///   - rates: factors on the learning rate, one per network.
  /// - Throws: `ShapeError` if a layer does not fit, or the generator's output is no sample.
  public init(
    generator: any NetworkPart, discriminator: any NetworkPart, noise: Shape, input: Shape,
    rates: (generator: Float, discriminator: Float) = (1, 1), capacity: Int,
    convolution: ConvolutionChoice = .automatic, kernels: KernelTable
  ) throws(ShapeError) {
    func plan(_ part: any NetworkPart, _ input: Shape, _ wants: Bool) throws(ShapeError)
      -> NetworkPlan
    {
      try NetworkPlan(
        part, input: input, capacity: capacity, convolution: convolution, cacheBytes: 384 << 10,
        isPart: true, wantsInputGradient: wants, kernels: kernels)
    }
    var plans = [
      (name: "generator", rate: rates.generator, plan: try plan(generator, noise, false)),
      (
        name: "discriminator", rate: rates.discriminator,
        plan: try plan(discriminator, input, true)
      ),
    ]
    guard plans[0].plan.output.dimensions == input.dimensions else {
      throw ShapeError(
        layer: "the discriminator", inputs: [input, plans[0].plan.output],
        problem: "what is real and what is generated must be of the same shape")
    }
    guard plans[1].plan.output.count == 1 else {
      throw ShapeError(
        layer: "the adversarial loss", input: plans[1].plan.output, problem: "it needs one number")
    }
    layout = NetworkPlan.place(&plans)
    self.generator = Network(plans[0].plan, layout, loss: BinaryCrossEntropy(), kernels: kernels)
    self.discriminator = Network(
      plans[1].plan, layout, loss: BinaryCrossEntropy(), kernels: kernels)
    self.noise = FloatBuffer(count: capacity * noise.count)
    samples = FloatBuffer(count: capacity * input.count)
    beside = FloatBuffer(count: layout.count)
    self.kernels = kernels
  }

  /// The noise for the samples of `batch`: (count, one sample of the generator's input); valid until the
  /// next call.
  public func drawn(for batch: Batch) -> FloatBuffer {
    _ = noise(for: batch)
    return noise
  }

  private func noise(for batch: Batch) -> Batch {
    let size = generator.input.count
    let random = CounterRandom(
      seed: batch.seed, stream: .noise, substream: UInt64(batch.epoch) << 32 | UInt64(batch.step))
    for sample in 0..<batch.count {
      let first = UInt64(batch.offset + sample) * UInt64(size)
      for place in 0..<size {
        noise.pointer[sample * size + place] = random.normal(first + UInt64(place))
      }
    }
    return batch.with(inputs: UnsafeRawPointer(noise.pointer))
  }

  /// The loss of outputs that are all to be called real or all generated, and its gradient.
  private func value(
    _ outputs: FloatsIn, areReal: Bool, _ batch: Batch, _ gradient: FloatsOut?
  ) -> LossSum {
    let factor = 1 / Float(batch.globalCount)
    return (0..<batch.count).reduce(into: LossSum()) { sum, place in
      sum.add(
        BinaryCrossEntropy.value(
          outputs[place], isTrue: areReal, factor, gradient.map { $0 + place }))
    }
  }

  public func gradient(
    of batch: Batch, at parameters: FloatsIn, into gradients: FloatsOut,
    observer: (any GradientObserver)?
  ) -> LossSum {
    var total = LossSum()
    let count = layout.count
    gradients.update(repeating: 0, count: count)
    if batch.count > 0 {
      let input = noise(for: batch)
      let made = generator.trainingOutputs(for: input, at: parameters, into: gradients)
      samples.pointer.update(from: made, count: batch.count * generator.output.count)
      let fake = batch.with(inputs: UnsafeRawPointer(samples.pointer))
      // The generator's aim, through the discriminator; what that finds for itself is dropped.
      func judge(_ batch: Batch, areReal: Bool, into place: FloatsOut) -> LossSum {
        let outputs = discriminator.trainingOutputs(for: batch, at: parameters, into: place)
        let sum = value(outputs, areReal: areReal, batch, discriminator.outputGradient)
        discriminator.backward(batch)
        return sum
      }
      aims.generator = judge(fake, areReal: true, into: beside.pointer).loss
      generator.outputGradient.update(
        from: discriminator.inputGradient, count: batch.count * generator.output.count)
      generator.backward(input)
      // The discriminator's own: of generated samples, then of real ones.
      let ofFakes = judge(fake, areReal: false, into: beside.pointer)
      total = judge(batch, areReal: true, into: gradients)
      aims.discriminator = ofFakes.loss + total.loss
      total.loss = aims.generator + aims.discriminator
      for range in discriminatorRanges {
        kernels.add(
          range.count, x: FloatsIn(beside.pointer + range.lowerBound),
          y: gradients + range.lowerBound)
      }
      for range in discriminatorStatistics {
        kernels.scale(range.count, factor: 0.5, y: gradients + range.lowerBound)
      }
    }
    observer?.evaluated(total)
    observer?.finished(0..<count)
    return total
  }

  private lazy var discriminatorRanges = ranges(of: "discriminator.") { _ in true }
  /// They follow the mean of both batches.
  private lazy var discriminatorStatistics = ranges(of: "discriminator.") { $0 != .trained }

  private func ranges(of prefix: String, _ wanted: (ParameterRole) -> Bool) -> [Range<Int>] {
    layout.tensors.filter { $0.name.hasPrefix(prefix) && wanted($0.request.role) }.map(\.range)
  }

  public func evaluate(_ batch: Batch, at parameters: FloatsIn) -> LossSum {
    guard batch.count > 0 else { return LossSum() }
    let made = generator.outputs(for: noise(for: batch), at: parameters)
    samples.pointer.update(from: made, count: batch.count * generator.output.count)
    let fake = batch.with(inputs: UnsafeRawPointer(samples.pointer))
    var total = LossSum()
    let outputs = discriminator.outputs(for: fake, at: parameters)
    total.loss += value(outputs, areReal: true, batch, nil).loss
    total.loss += value(outputs, areReal: false, batch, nil).loss
    total.add(value(discriminator.outputs(for: batch, at: parameters), areReal: true, batch, nil))
    return total
  }

  /// What the discriminator says of a batch.
  public func outputs(for batch: Batch, at parameters: FloatsIn) -> FloatsIn {
    discriminator.outputs(for: batch, at: parameters)
  }

  /// Generated samples, as many as `batch` has: (count, sample); valid until the next call.
  public func generated(for batch: Batch, at parameters: FloatsIn) -> FloatsIn {
    generator.outputs(for: noise(for: batch), at: parameters)
  }

  public var layers: [PlannedLayer] {
    generator.layers.map { $0.within("generator") }
      + discriminator.layers.map { $0.within("discriminator") }
  }
  public var samplesPerMicroBatch: Int { capacity }
  public var classes: Int? { nil }
  public var arenaCount: Int { generator.arenaCount + discriminator.arenaCount }
  public func record(in trace: Trace?) {
    generator.record(in: trace)
    discriminator.record(in: trace)
  }
}
