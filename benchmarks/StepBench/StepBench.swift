// A training step of a named model, for timing beside a peer that runs in turn with it. Obeys lines
// on standard input, so that the two processes can take turns within one run:
//
//   prepare MODEL BATCH FOLDER   writes parameters, inputs, targets (raw, PyTorch's order) to FOLDER
//   losses N                     N steps; prints their losses
//   time N                       N steps; prints their times in milliseconds
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

/// A model with a batch that stays the same.
final class Bench {
  private let network: any Model
  private let worker: Worker
  private let strategy: SynchronousSGD
  private let inputs: FloatBuffer
  private let targets: [Int32]
  private let batch: Batch

  init(_ model: String, batch count: Int, on communicator: any Communicator) throws {
    let input = Shape([28, 28, 1]), classes = 10
    let kernels = try KernelSelection.select(environment: ProcessInfo.processInfo.environment)
    network = try modelCatalog.find(model).make(
      for: SampleSpace(input: input, classes: classes), capacity: count, kernels: kernels)
    let group = try RankGroup(communicator)
    worker = Worker(
      group: group, objective: network,
      replica: try Replica(layout: network.layout, slots: Adam().slots.count, seed: 1, in: group),
      optimizer: Adam(), allReduce: try allReduceCatalog.find("ring"),
      learningRate: { _ in 1e-3 }, kernels: kernels)
    strategy = try SynchronousSGD(worker, Settings(of: "sync", declared: []))
    let random = CounterRandom(seed: 2, stream: .test)
    inputs = FloatBuffer(count: count * input.count)
    for index in 0..<inputs.count { inputs[index] = random.normal(UInt64(index)) }
    targets = (0..<count).map { Int32(random.index(1 << 40 + UInt64($0), below: classes)) }
    let place = UnsafeMutablePointer<Int32>.allocate(capacity: count)  // for the program's life
    place.initialize(from: targets, count: count)
    batch = Batch(
      count: count, globalCount: count, offset: 0, inputs: UnsafeRawPointer(inputs.pointer),
      targets: UnsafePointer(place))
  }

  /// Raw little-endian files that the peer starts from.
  func export(to folder: String) throws {
    var parameters: [Float] = []
    for tensor in network.layout.tensors {
      tensor.forEachExported { parameters.append(worker.replica.parameters[$1]) }
    }
    func write(_ data: Data, _ name: String) throws {
      try data.write(to: URL(fileURLWithPath: folder + "/" + name))
    }
    try write(parameters.withUnsafeBytes { Data($0) }, "parameters.f32")
    try write(Data(UnsafeRawBufferPointer(inputs.values)), "inputs.f32")
    try write(targets.withUnsafeBytes { Data($0) }, "targets.i32")
  }

  func step() throws -> StepReport { try strategy.step(batch) }
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
          let new = try Bench(words[1], batch: Int(words[2])!, on: communicator)
          try new.export(to: words[3])
          bench = new
        case ("losses", let bench?):
          for _ in 0..<Int(words[1])! {
            let report = try bench.step()
            answer.append(report.loss / Double(report.samples))
          }
        case ("time", let bench?):
          for _ in 0..<Int(words[1])! {
            let start = clock.now
            _ = try bench.step()
            answer.append((clock.now - start) / .milliseconds(1))
          }
        default: throw MessagingError(call: "step-bench", rank: 0, text: "cannot obey: \(line)")
        }
        print(answer.map { "\($0)" }.joined(separator: " "))
        fflush(nil)
      }
    }
  }
}
