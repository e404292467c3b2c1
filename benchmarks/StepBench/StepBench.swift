// A training step of a named model, for timing beside a peer that runs in turn with it, and for
// comparing its gradients with the peer's. Obeys lines on standard input, so that the two processes
// can take turns within one run:
//
//   prepare MODEL BATCH FOLDER [SEED]
//                                writes parameters (safetensors), inputs, targets (raw) to FOLDER
//   gradients FOLDER             writes outputs (raw) and gradients (safetensors); prints the loss
//   losses N                     N steps; prints their losses
//   time N                       N steps; prints their times in milliseconds
//   operations                   prints the floating-point operations of a step
//   open MODEL BATCH DATA SEED FOLDER [NAME=VALUE ...]
//                                the same with real data, whose settings may follow: writes parameters
//                                and the held-out half; prints the number of steps per epoch
//   train N FOLDER               N steps on the next N batches, which are appended to files; losses
//   heldout                      prints held-out loss and accuracy
//
// A step is what `apus train` does between two reports: gradient, update, tally; Adam, rate 1e-3.

import Basics
import Collectives
import Datasets
import Foundation
import Kernels
import Layers
import Messaging
import Optimizers
import Strategies
import Training

/// A model, with a batch that stays the same or with real data.
final class Bench {
  private let model: any Model
  private let worker: Worker
  private let strategy: SynchronousSGD
  private let samples: RandomSamples
  private let communicator: any Communicator

  /// - Parameter space: what samples are; nil: what the model is at home with.
  init(
    _ name: String, batch count: Int, space: SampleSpace? = nil, seed: UInt64,
    on communicator: any Communicator
  ) throws {
    self.communicator = communicator
    let kernels = try KernelSelection.select(environment: ProcessInfo.processInfo.environment)
    let recipe = try modelCatalog.find(name)
    let space = space ?? recipe.home
    let choice = ProcessInfo.processInfo.environment["CONVOLUTION"] ?? ""
    model = try recipe.make(
      for: space, capacity: count,
      convolution: ConvolutionChoice(rawValue: choice) ?? .automatic, kernels: kernels)
    let group = try RankGroup(communicator)
    worker = Worker(
      group: group, objective: model,
      replica: try Replica(layout: model.layout, slots: Adam().slots.count, seed: seed, in: group),
      optimizer: Adam(), allReduce: try allReduceCatalog.find("ring"),
      learningRate: { _ in 1e-3 }, kernels: kernels)
    strategy = try SynchronousSGD(worker, Settings(of: "sync", declared: []))
    samples = RandomSamples(
      count, of: space, targetsPerSample: model.targetsPerSample, seed: seed + 1)
  }

  private var parameters: FloatsIn { FloatsIn(worker.replica.parameters.pointer) }

  /// Files that the peer starts from.
  func export(to folder: String) throws {
    try exportParameters(to: folder)
    try samples.export(to: folder)
    guard let pair = model as? Adversarial else { return }
    try Data(buffer: pair.drawn(for: samples.batch).values)
      .write(to: URL(fileURLWithPath: folder + "/noise.raw"))
  }

  func exportParameters(to folder: String) throws {
    try ModelFile.write(model.layout, parameters, to: folder + "/parameters.safetensors")
  }

  /// Loss and accuracy on data.
  func evaluate(_ data: any Dataset) throws -> [Double] {
    let found = try Evaluation(
      of: model, on: data, over: communicator, kernels: worker.kernels
    ).run(at: parameters)
    return [found.loss, found.accuracy]
  }

  /// Outputs as in evaluation, and gradients as in training, at the parameters of now.
  func gradients(to folder: String) throws -> Double {
    let outputs = model.outputs(for: samples.batch, at: parameters)
    try Data(bytes: outputs, count: 4 * samples.batch.count * model.output.count)
      .write(to: URL(fileURLWithPath: folder + "/outputs.raw"))
    let gradients = FloatBuffer(count: model.layout.count)
    let sum = model.gradient(
      of: samples.batch, at: parameters, into: gradients.pointer, observer: nil)
    try ModelFile.write(
      model.layout, FloatsIn(gradients.pointer), to: folder + "/gradients.safetensors")
    return sum.loss / Double(samples.batch.count * model.targetsPerSample)
  }

  /// Floating-point operations of a step's layers.
  var operations: Double {
    let perSample = model.layers.reduce(0) { $0 + $1.forwardOperations + $1.backwardOperations }
    return Double(perSample * samples.batch.count)
  }

  func step(_ batch: Batch? = nil) throws -> Double {
    let report = try strategy.step(batch ?? samples.batch)
    return report.loss / Double(report.samples * model.targetsPerSample)
  }
}

@main
enum StepBench {
  static func main() throws {
    try LocalWorld.run(ranks: 1, timeout: .seconds(86_400)) { communicator in
      Denormals.flush()
      var bench: Bench?
      var feed: Feed?
      let clock = ContinuousClock()
      while let line = readLine() {
        let words = line.split(separator: " ").map(String.init)
        var answer: [Double] = []
        switch (words.first, bench) {
        case ("prepare", _):
          let new = try Bench(
            words[1], batch: Int(words[2])!,
            seed: words.count > 4 ? UInt64(words[4])! : 1, on: communicator)
          try new.export(to: words[3])
          bench = new
        case ("gradients", let bench?): answer = [try bench.gradients(to: words[1])]
        case ("losses", let bench?):
          for _ in 0..<Int(words[1])! { answer.append(try bench.step()) }
        case ("time", let bench?):
          for _ in 0..<Int(words[1])! {
            let start = clock.now
            _ = try bench.step()
            answer.append((clock.now - start) / .milliseconds(1))
          }
        case ("operations", let bench?): answer = [bench.operations]
        case ("open", _):
          let (batch, seed, folder) = (Int(words[2])!, UInt64(words[4])!, words[5])
          let settings = words.dropFirst(6).map { $0.split(separator: "=").map(String.init) }
          let new = try Feed(
            words[3], settings: Dictionary(uniqueKeysWithValues: settings.map { ($0[0], $0[1]) }),
            batch: batch, seed: seed, kernels: KernelSelection.best)
          let space = new.pair.training.space
          feed = new
          bench = try Bench(words[1], batch: batch, space: space, seed: seed, on: communicator)
          try space.export(to: folder)
          try bench!.exportParameters(to: folder)
          try new.exportHeldOut(to: folder)
          answer = [Double(new.stepsPerEpoch)]
        case ("train", let bench?):
          for _ in 0..<Int(words[1])! {
            let batch = feed!.next()
            try feed!.append(batch, to: words[2] + "/")
            answer.append(try bench.step(batch))
          }
        case ("heldout", let bench?): answer = try bench.evaluate(feed!.pair.heldOut)
        default: throw MessagingError(call: "step-bench", rank: 0, text: "cannot obey: \(line)")
        }
        print(answer.map { "\($0)" }.joined(separator: " "))
        fflush(nil)
      }
    }
  }
}
