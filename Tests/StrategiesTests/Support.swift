// What the tests of training methods share: an objective whose gradient is known, and a world.

import Basics
import Collectives
import Kernels
import Layers
import Messaging
import Optimizers
import Strategies

/// The widest kernels of this machine.
let kernels = KernelSelection.best

/// f(w) = mean over samples of |w - x|^2 / 2, whose gradient is w - mean x.
final class Quadratic: Objective {
  let layout: ParameterLayout
  let capacity = 1 << 20
  private let size: Int

  /// - Parameter rates: factors on the tensors' learning rates; 1 where there is none.
  init(_ size: Int, tensors: Int = 1, rates: [Float] = []) {
    var layout = ParameterLayout()
    for number in 0..<tensors {
      _ = layout.append(
        ParameterRequest("w\(number)", shape: [size], initialisation: .uniform(bound: 1)),
        prefix: "", rate: number < rates.count ? rates[number] : 1)
    }
    (self.layout, self.size) = (layout, size)
  }

  func gradient(
    of batch: Batch, at parameters: FloatsIn, into gradients: FloatsOut,
    observer: (any GradientObserver)?
  ) -> LossSum {
    let sum = evaluate(batch, at: parameters)
    observer?.evaluated(sum)
    let inputs = batch.inputs.assumingMemoryBound(to: Float.self)
    for tensor in layout.tensors.reversed() {
      for (place, index) in tensor.range.enumerated() {
        var total: Float = 0
        for sample in 0..<batch.count { total += parameters[index] - inputs[sample * size + place] }
        gradients[index] = total / Float(batch.globalCount)
      }
      observer?.finished(tensor.range)
      observer?.pause()
    }
    return sum
  }

  func evaluate(_ batch: Batch, at parameters: FloatsIn) -> LossSum {
    let inputs = batch.inputs.assumingMemoryBound(to: Float.self)
    var loss = 0.0
    for tensor in layout.tensors {
      for (place, index) in tensor.range.enumerated() {
        for sample in 0..<batch.count {
          let difference = Double(parameters[index] - inputs[sample * size + place])
          loss += difference * difference / 2
        }
      }
    }
    return LossSum(loss: loss, correct: batch.count)
  }
}

/// Samples of `size` floats for a step shared by several ranks.
final class Samples {
  let values: FloatBuffer
  let targets = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
  let size: Int

  init(_ count: Int, size: Int, seed: UInt64) {
    let random = CounterRandom(seed: seed, stream: .test)
    self.size = size
    values = FloatBuffer(count: count * size)
    for index in 0..<values.count { values[index] = random.normal(UInt64(index)) }
    targets.pointee = 0
  }

  deinit { targets.deallocate() }

  /// The samples `range` of a step that has `globalCount` in all.
  func batch(_ range: Range<Int>, of globalCount: Int) -> Batch {
    Batch(
      count: range.count, globalCount: globalCount, offset: range.lowerBound,
      inputs: UnsafeRawPointer(values.pointer + range.lowerBound * size),
      targets: UnsafePointer(targets))
  }
}

/// A worker of `objective` on a rank.
func worker(
  _ objective: any Objective, _ optimizer: any Optimizer, on communicator: any Communicator,
  allReduce: String = "ring", wire: WireFormat = .float32, clip: GradientClip? = nil,
  bucketBytes: Int = 64, seed: UInt64 = 9, learningRate: @escaping (Int) -> Float = { _ in 0.1 },
  update: UpdatePlacement = .replicated, lanes: Int? = nil,
  laneBatch: ((Int, Batch) -> Batch)? = nil
) throws -> Worker {
  let group = try RankGroup(communicator)
  let allReduce = try allReduceCatalog.find(allReduce)
  let plan = GradientPlan(
    layout: objective.layout, topology: group.topology, allReduce: allReduce, wire: wire,
    bucketBytes: bucketBytes, update: update, needsWholeGradient: clip != nil, lanes: lanes)
  return Worker(
    group: group, objective: objective,
    replica: try Replica(plan: plan, slots: optimizer.slots.count, seed: seed, in: group),
    optimizer: optimizer, allReduce: allReduce, wire: wire, learningRate: learningRate, clip: clip,
    bucketBytes: bucketBytes, plan: plan, laneBatch: laneBatch, kernels: kernels)
}

/// The method of that name with these settings.
func strategy(_ name: String, _ settings: [String: String] = [:], _ worker: Worker) throws
  -> any Strategy
{
  let type = try strategyCatalog.find(name)
  return try type.init(worker, Settings(of: name, declared: type.settings, given: settings))
}
