// When, within a training step, each bucket of gradients is ready to travel: measured on one rank, or
// as operations tell, so that a cluster's steps can be foreseen (see `ClusterSimulator.step`).

import Basics
import Collectives
import Kernels
import Layers
import Optimizers

/// One rank's step, cut where a bucket becomes ready.
public struct StepTimeline: Sendable, Equatable {
  /// Computing, and the bucket that is ready behind it; the last one computes without a bucket if
  /// anything is left to do.
  public var stages: [ClusterSimulator.Stage]
  /// The update of all parameters, behind the last sum.
  public var update: Double

  /// Seconds of computing in all.
  public var computing: Double { stages.reduce(update) { $0 + $1.seconds } }
  /// Elements that travel.
  public var count: Int { stages.reduce(0) { $0 + $1.count } }

  /// The same step on another machine, whose computing takes `seconds`.
  public func scaled(to seconds: Double) -> StepTimeline {
    let factor = seconds / computing
    var result = self
    for index in stages.indices { result.stages[index].seconds *= factor }
    result.update *= factor
    return result
  }

  /// The same step on `factor` times as many samples; the update stays what it is.
  public func stretched(by factor: Double) -> StepTimeline {
    var result = self
    for index in stages.indices { result.stages[index].seconds *= factor }
    return result
  }

  /// The same without overlap: buckets travel when all of them are ready.
  public var serial: [ClusterSimulator.Stage] {
    stages.enumerated().map { number, stage in
      ClusterSimulator.Stage(seconds: number == 0 ? computing - update : 0, count: stage.count)
    }
  }

  /// The course of a step as operations tell, on a core that makes 1e11 a second and updates a
  /// parameter in 2 ns: to be scaled. Nothing is run.
  public init(counting network: any Model, batch: Int, bucketBytes: Int) {
    let layout = network.layout, layers = network.layers
    let buckets = BucketPlan(
      layout: layout, count: layout.count + Tally.length, bytes: bucketBytes)
    func seconds(_ operations: Int) -> Double { Double(operations) * Double(batch) * 1e-11 }
    var passed = layers.reduce(0) { $0 + seconds($1.forwardOperations) }
    let all = max(1, layers.reduce(0) { $0 + $1.parameters })
    var (done, ready) = (0, 0)
    stages = []
    for layer in layers.reversed() {
      passed += seconds(layer.backwardOperations)
      done += layer.parameters
      let start = layout.count - Int(Double(layout.count) * Double(done) / Double(all))
      while ready < buckets.ranges.count, buckets.ranges[ready].lowerBound >= start {
        stages.append(ClusterSimulator.Stage(seconds: passed, count: buckets.ranges[ready].count))
        (passed, ready) = (0, ready + 1)
      }
    }
    for range in buckets.ranges[ready...] {
      stages.append(ClusterSimulator.Stage(seconds: passed, count: range.count))
      passed = 0
    }
    stages.append(ClusterSimulator.Stage(seconds: passed, count: 0))
    update = Double(layout.count) * 2e-9
  }

  /// Measures steps of a model for about `seconds`, or two steps where those take longer; the median
  /// of each moment.
  ///
  /// - Parameters:
  ///   - samples: those of the rank.
  ///   - bucketBytes: see `BucketPlan`.
  public init(
    measuring network: any Model, on samples: RandomSamples, optimizer: any Optimizer,
    bucketBytes: Int, kernels: KernelTable, seconds: Double = 0.5
  ) {
    let layout = network.layout
    let length = layout.count + Tally.length
    let buckets = BucketPlan(layout: layout, count: length, bytes: bucketBytes)
    let parameters = FloatBuffer(count: layout.count), gradients = FloatBuffer(count: length)
    let state = OptimizerState(of: 0..<layout.count, slots: optimizer.slots.count)
    layout.initialise(parameters, seed: 1)
    let watch = Watch(buckets)
    var updates: [Double] = []
    let clock = ContinuousClock(), start = clock.now
    // The first steps touch memory for the first time.
    while updates.count < 2
      || clock.now - start < .seconds(updates.count < 5 ? 4 * seconds : seconds)
    {
      watch.begin()
      _ = network.gradient(
        of: samples.batch, at: UnsafePointer(parameters.pointer), into: gradients.pointer,
        observer: watch)
      watch.end()
      let updateStart = clock.now
      optimizer.update(
        layout.trained, parameters: parameters, gradients: gradients, state: state,
        step: UpdateStep(
          number: updates.count + 1, learningRate: 0, gradientScale: 1, kernels: kernels,
          layout: layout))
      updates.append((clock.now - updateStart) / .seconds(1))
    }
    let moments = watch.medians()
    var before = 0.0
    stages = zip(moments, buckets.ranges.map(\.count) + [0]).map { moment, count in
      defer { before = max(before, moment) }
      return ClusterSimulator.Stage(seconds: max(0, moment - before), count: count)
    }
    update = updates.sorted()[updates.count / 2]
  }
}

/// Notes when buckets are ready, step after step.
private final class Watch: GradientObserver {
  private let buckets: BucketPlan
  private let clock = ContinuousClock()
  private var start: ContinuousClock.Instant
  private var ready = 0
  /// For each bucket, and for the end of the step, its moments.
  private var moments: [[Double]]

  init(_ buckets: BucketPlan) {
    self.buckets = buckets
    start = clock.now
    moments = Array(repeating: [], count: buckets.ranges.count + 1)
  }

  func begin() { (start, ready) = (clock.now, 0) }

  func evaluated(_ sum: LossSum) {}
  func pause() {}

  func finished(_ range: Range<Int>) {
    while ready < buckets.ranges.count, buckets.ranges[ready].lowerBound >= range.lowerBound {
      note(ready)
      ready += 1
    }
  }

  func end() { note(buckets.ranges.count) }

  private func note(_ place: Int) { moments[place].append((clock.now - start) / .seconds(1)) }

  func medians() -> [Double] { moments.map { $0.sorted()[$0.count / 2] } }
}
