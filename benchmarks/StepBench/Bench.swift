// A named model and what is asked of it: a step, its gradients, its files for a peer.

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
    kernels: KernelTable, on communicator: any Communicator
  ) throws {
    self.communicator = communicator
    let recipe = try modelCatalog.find(name)
    let space = space ?? recipe.home
    model = try recipe.make(
      for: space, capacity: count, convolution: try Self.convolutionChoice(), kernels: kernels)
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

  private static func convolutionChoice() throws(UsageError) -> ConvolutionChoice {
    let name = ProcessInfo.processInfo.environment["CONVOLUTION"] ?? ""
    guard let choice = name.isEmpty ? .automatic : ConvolutionChoice(rawValue: name) else {
      let known = ConvolutionChoice.allCases.map(\.rawValue).joined(separator: ", ")
      throw UsageError("CONVOLUTION=\(name) names no way to compute convolutions; known: \(known)")
    }
    return choice
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
