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
//
// A step is what `apus train` does between two reports: gradient, update, tally; Adam, rate 1e-3.

import Basics
import Collectives
import Foundation
import Kernels
import Layers
import Messaging
import Optimizers
import Strategies
import Training

/// A model with a batch that stays the same.
final class Bench {
  private let model: any Model
  private let worker: Worker
  private let strategy: SynchronousSGD
  private let samples: RandomSamples

  init(
    _ name: String, batch count: Int, seed: UInt64, on communicator: any Communicator
  ) throws {
    let kernels = try KernelSelection.select(environment: ProcessInfo.processInfo.environment)
    let recipe = try modelCatalog.find(name)
    let choice = ProcessInfo.processInfo.environment["CONVOLUTION"] ?? ""
    model = try recipe.make(
      for: recipe.home, capacity: count,
      convolution: ConvolutionChoice(rawValue: choice) ?? .automatic, kernels: kernels)
    let group = try RankGroup(communicator)
    worker = Worker(
      group: group, objective: model,
      replica: try Replica(layout: model.layout, slots: Adam().slots.count, seed: seed, in: group),
      optimizer: Adam(), allReduce: try allReduceCatalog.find("ring"),
      learningRate: { _ in 1e-3 }, kernels: kernels)
    strategy = try SynchronousSGD(worker, Settings(of: "sync", declared: []))
    samples = RandomSamples(
      count, of: recipe.home, targetsPerSample: model.targetsPerSample, seed: seed + 1)
  }

  private var parameters: FloatsIn { FloatsIn(worker.replica.parameters.pointer) }

  /// Files that the peer starts from.
  func export(to folder: String) throws {
    try ModelFile.write(model.layout, parameters, to: folder + "/parameters.safetensors")
    try samples.export(to: folder)
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

  func step() throws -> Double {
    let report = try strategy.step(samples.batch)
    return report.loss / Double(report.samples * model.targetsPerSample)
  }
}

@main
enum StepBench {
  static func main() throws {
    try LocalWorld.run(ranks: 1, timeout: .seconds(86_400)) { communicator in
      Denormals.flush()
      var bench: Bench?
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
        default: throw MessagingError(call: "step-bench", rank: 0, text: "cannot obey: \(line)")
        }
        print(answer.map { "\($0)" }.joined(separator: " "))
        fflush(nil)
      }
    }
  }
}
