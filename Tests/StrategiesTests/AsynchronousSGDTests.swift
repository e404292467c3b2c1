import Basics
import Foundation
import Kernels
import Layers
import Messaging
import Optimizers
import Synchronization
import Testing

@testable import Strategies

@Suite struct AsynchronousSGDTests {
  private static let size = 19

  /// Parameters and optimizer state of rank 0 after some steps on whole batches for one worker.
  private static func trainOneWorker(
    _ name: String, _ settings: [String: String] = [:], ranks: Int, optimizer: any Optimizer,
    clip: GradientClip?
  ) throws -> [[Float]] {
    try LocalWorld.run(ranks: ranks) { communicator in
      let worker = try worker(
        Quadratic(size, tensors: 3), optimizer, on: communicator, clip: clip,
        learningRate: { 0.2 / Float($0) })
      let strategy = try strategy(name, settings, worker)
      let works = type(of: strategy).workers(of: ranks).contains(communicator.rank)
      for step in 0..<12 {
        let samples = Samples(6, size: size, seed: UInt64(step))
        let report = try strategy.step(samples.batch(0..<(works ? 6 : 0), of: 6))
        #expect(report.isGlobal && report.samples == 6 && report.correct == 6 && report.loss > 0)
      }
      let replica = worker.replica
      return [Array(UnsafeBufferPointer(start: try strategy.model(), count: replica.layout.count))]
        + replica.optimizerState[0].slots.map { Array($0.values) }
    }[0]
  }

  @Test(arguments: ["arrival", "round-robin"])
  func oneWorkerIsSequentialSGDBitForBit(_ order: String) throws {
    let optimizers: [any Optimizer] = [SGD(), SGD(momentum: 0.9, nesterov: true), Adam()]
    for optimizer in optimizers {
      for clip in [nil, GradientClip(limit: 0.5)] {
        let expected = try Self.trainOneWorker("sync", ranks: 1, optimizer: optimizer, clip: clip)
        for ranks in [1, 2] {
          let found = try Self.trainOneWorker(
            "async", ["order": order], ranks: ranks, optimizer: optimizer, clip: clip)
          #expect(found == expected, "\(ranks) ranks")
        }
      }
    }
  }

  /// METHODS 1.2: N workers in turns have a delay of N - 1, with which f = x^2 / 2 is stable below
  /// rate = 2 sin(pi / (2 (2 N - 1))) and unstable above. Synchronous steps are stable up to 2.
  @Test(arguments: [1, 2, 4, 8]) func theLimitOfStabilityIsThatOfTheDelay(_ workers: Int) throws {
    let limit = 2 * sin(Double.pi / Double(2 * (2 * workers - 1)))
    func largest(_ share: Double) throws -> Float {
      try LocalWorld.run(ranks: workers + 1) { communicator in
        let worker = try worker(
          Quadratic(1), SGD(), on: communicator, learningRate: { _ in Float(share * limit) })
        let strategy = try strategy("async", ["order": "round-robin"], worker)
        let origin = Samples(1, size: 1, seed: 0)
        origin.values[0] = 0
        let start = abs(worker.replica.parameters[0])
        var last: Float = 0
        for step in 0..<2_400 / workers {
          _ = try strategy.step(origin.batch(0..<min(communicator.rank, 1), of: workers))
          let value = abs(worker.replica.parameters[0]) / start
          if step >= 2_400 / workers - 8, !(value <= last) { last = value }
        }
        return last
      }[0]
    }
    #expect(try largest(0.95) < 1e-3)
    #expect(!(try largest(1.05) < 1e3))
  }

  /// Adds up what it is given before it hands it on.
  private final class Recorder: Optimizer {
    static let name = "recorder"
    let sums: Mutex<(updates: Int, gradient: [Double])>

    init(_ count: Int) { sums = Mutex((0, Array(repeating: 0, count: count))) }

    var slots: [String] { [] }

    func update(
      _ range: Range<Int>, parameters: FloatBuffer, gradients: FloatBuffer, state: OptimizerState,
      step: UpdateStep
    ) {
      sums.withLock { sums in
        sums.updates += 1
        for index in range { sums.gradient[index] += Double(gradients[index]) }
      }
      SGD().update(
        range, parameters: parameters, gradients: gradients, state: state, step: step)
    }
  }

  /// A quadratic that adds up its gradients, and takes its time.
  private final class Slow: Objective {
    private let quadratic = Quadratic(AsynchronousSGDTests.size)
    var sum: [Double]
    var pause = 0.0

    init() { sum = Array(repeating: 0, count: quadratic.layout.count) }

    var layout: ParameterLayout { quadratic.layout }
    var capacity: Int { quadratic.capacity }

    func gradient(
      of batch: Batch, at parameters: FloatsIn, into gradients: FloatsOut,
      observer: (any GradientObserver)?
    ) -> LossSum {
      if pause > 0 { Thread.sleep(forTimeInterval: pause) }
      let loss = quadratic.gradient(
        of: batch, at: parameters, into: gradients, observer: observer)
      for index in sum.indices { sum[index] += Double(gradients[index]) }
      return loss
    }

    func evaluate(_ batch: Batch, at parameters: FloatsIn) -> LossSum {
      quadratic.evaluate(batch, at: parameters)
    }
  }

  @Test(arguments: ["arrival", "round-robin"])
  func whatWasPushedIsAppliedOnceAndNoMore(_ order: String) throws {
    let steps = 20
    let recorder = Recorder(Slow().layout.count)
    let pushed = try LocalWorld.run(ranks: 4) { communicator in
      let objective = Slow()
      objective.pause = communicator.rank == 2 ? 0.001 : 0
      let worker = try worker(objective, recorder, on: communicator)
      let strategy = try strategy("async", ["order": order], worker)
      let rank = communicator.rank
      var samples = 0
      for step in 0..<steps {
        // Rank 3 has no share in every fourth step.
        let count = rank == 0 || (rank == 3 && step % 4 == 0) ? 0 : 2
        let data = Samples(8, size: Self.size, seed: UInt64(step))
        samples += try strategy.step(data.batch(2 * rank..<2 * rank + count, of: 6)).samples
      }
      let model = UnsafeBufferPointer(start: try strategy.model(), count: objective.layout.count)
      #expect(rank != 0 || worker.replica.updates == 3 * steps - 5)
      return (objective.sum, Array(model), samples)
    }
    #expect(recorder.sums.withLock { $0.updates } == 3 * steps - 5, "the server alone updates")
    let applied = recorder.sums.withLock { $0.gradient }
    for index in applied.indices {
      let total = pushed.reduce(0) { $0 + $1.0[index] }
      #expect(abs(total - applied[index]) < 1e-9 * max(1, abs(total)))
    }
    #expect(applied.contains { abs($0) > 0.1 })
    for rank in pushed { #expect(rank.1 == pushed[0].1, "all deliver the server's parameters") }
    #expect(pushed[0].2 == 2 * (3 * steps - 5), "the server reports for all")
  }

  @Test func turnsGiveTheSameBitsWhateverTheSpeeds() throws {
    func train(slow: Int) throws -> [Float] {
      try LocalWorld.run(ranks: 4) { communicator in
        let objective = Slow()
        objective.pause = communicator.rank == slow ? 0.002 : 0
        let worker = try worker(objective, Adam(), on: communicator)
        let strategy = try strategy("async", ["order": "round-robin"], worker)
        let rank = communicator.rank
        for step in 0..<10 {
          let data = Samples(8, size: Self.size, seed: UInt64(step))
          _ = try strategy.step(data.batch(2 * rank..<2 * rank + min(2, 2 * rank), of: 6))
        }
        return Array(worker.replica.parameters.values)
      }[0]
    }
    #expect(try train(slow: 1) == train(slow: 3))
  }

  /// In the order of arrival nobody waits for a slow worker.
  @Test func aFastWorkerRunsAhead() throws {
    let finished = try LocalWorld.run(ranks: 3) { communicator -> ContinuousClock.Instant in
      let objective = Slow()
      objective.pause = communicator.rank == 1 ? 0.02 : 0
      let worker = try worker(objective, SGD(), on: communicator)
      let strategy = try strategy("async", [:], worker)
      let samples = Samples(1, size: Self.size, seed: 1)
      for _ in 0..<20 {
        _ = try strategy.step(samples.batch(0..<min(communicator.rank, 1), of: 2))
      }
      return .now
    }
    #expect(finished[1] - finished[2] > .milliseconds(100))
  }

  /// Workers at different steps, one of them or the server with a reason to end: all come to it in
  /// the same step, and to the same reason.
  @Test(arguments: [0, 1, 2, 3], [false, true])
  func allEndTogether(_ culprit: Int, _ diverges: Bool) throws {
    // A server computes no loss.
    guard !(culprit == 0 && diverges) else { return }
    let ends = try LocalWorld.run(ranks: 4) { communicator -> Int in
      let objective = Slow(), rank = communicator.rank
      objective.pause = rank == 1 ? 0.004 : 0
      let worker = try worker(objective, SGD(), on: communicator)
      let strategy = try strategy("async", [:], worker)
      let samples = Samples(1, size: Self.size, seed: 1)
      // Many: whoever is slow comes to its seventh before the others have made all of theirs.
      for step in 1...100_000 {
        if rank == culprit && step >= 7 {
          if diverges { samples.values[3] = .infinity } else { worker.wantsToStop = true }
        }
        let report = try strategy.step(samples.batch(0..<min(rank, 1), of: 3))
        if report.stopVotes > 0 || !report.loss.isFinite {
          #expect(report.loss.isFinite != diverges && (report.stopVotes > 0) != diverges)
          #expect(step >= 7)
          _ = try strategy.model()
          return step
        }
      }
      return 0
    }
    #expect(Set(ends).count == 1 && ends[0] > 0 && ends[0] < 100_000, "\(ends)")
  }

  @Test func ordersAreChecked() throws {
    _ = try LocalWorld.run(ranks: 1) { communicator in
      let worker = try worker(Quadratic(5), SGD(), on: communicator)
      #expect(throws: SettingError.self) { try strategy("async", ["order": "turns"], worker) }
    }
  }
}
