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
//                                the same with real data, whose settings may follow: writes
//                                parameters and the held-out half; prints the steps per epoch
//   train N FOLDER               N steps on the next N batches, which are appended to files, their
//                                sizes too (an epoch's last batch may be smaller); prints losses
//   heldout                      prints held-out loss and accuracy
//
// A step is what `apus train` does between two reports: gradient, update, tally; Adam, rate 1e-3.
// KERNEL_ISA and CONVOLUTION apply. What cannot be obeyed ends the program, one line and code 65.

import Foundation
import Kernels
import Messaging
import Training

/// What lines are obeyed with: the model of the last `prepare` or `open`, and real data, if any.
struct Session {
  let communicator: any Communicator
  let kernels: KernelTable
  private var bench: Bench?
  private var feed: Feed?

  init(on communicator: any Communicator) throws {
    self.communicator = communicator
    kernels = try KernelSelection.select(environment: ProcessInfo.processInfo.environment)
  }

  /// Does as told; the numbers to print.
  mutating func obey(_ line: String) throws -> [Double] {
    var command = Command(line)
    let answer = try obey(&command)
    guard command.isEmpty else { throw command.refusal("too many words") }
    return answer
  }

  private mutating func obey(_ command: inout Command) throws -> [Double] {
    let verb = try command.word("the command")
    switch (verb, bench, feed) {
    case ("prepare", _, _):
      let name = try command.word("the model")
      let batch: Int = try command.number("the batch")
      let folder = try command.word("the folder")
      let seed: UInt64 = command.isEmpty ? 1 : try command.number("the seed", from: 0)
      let bench = try Bench(name, batch: batch, seed: seed, kernels: kernels, on: communicator)
      try bench.export(to: folder)
      (self.bench, feed) = (bench, nil)
      return []
    case ("gradients", let bench?, _):
      return [try bench.gradients(to: try command.word("the folder"))]
    case ("losses", let bench?, _):
      return try times(&command) { try bench.step() }
    case ("time", let bench?, _):
      let clock = ContinuousClock()
      return try times(&command) {
        let start = clock.now
        _ = try bench.step()
        return (clock.now - start) / .milliseconds(1)
      }
    case ("operations", let bench?, _):
      return [bench.operations]
    case ("open", _, _):
      return try open(&command)
    case ("train", let bench?, let feed?):
      let count: Int = try command.number("the number of steps")
      let folder = try command.word("the folder")
      return try (0..<count).map { _ in
        let batch = feed.next()
        try feed.append(batch, to: folder + "/")
        return try bench.step(batch)
      }
    case ("heldout", let bench?, let feed?):
      return try bench.evaluate(feed.pair.heldOut)
    case ("gradients", nil, _), ("losses", nil, _), ("time", nil, _), ("operations", nil, _):
      throw command.refusal("nothing was prepared or opened")
    case ("train", _, _), ("heldout", _, _):
      throw command.refusal("no data were opened")
    default:
      throw command.refusal("unknown command")
    }
  }

  /// What `body` returns, as often as the next word says.
  private func times(_ command: inout Command, _ body: () throws -> Double) throws -> [Double] {
    let count: Int = try command.number("the number of steps")
    return try (0..<count).map { _ in try body() }
  }

  private mutating func open(_ command: inout Command) throws -> [Double] {
    let name = try command.word("the model")
    let batch: Int = try command.number("the batch")
    let data = try command.word("the data set")
    let seed: UInt64 = try command.number("the seed", from: 0)
    let folder = try command.word("the folder")
    let feed = try Feed(
      data, settings: try command.settings(), batch: batch, seed: seed, kernels: kernels)
    let space = feed.pair.training.space
    let bench = try Bench(
      name, batch: batch, space: space, seed: seed, kernels: kernels, on: communicator)
    try space.export(to: folder)
    try bench.exportParameters(to: folder)
    try feed.exportHeldOut(to: folder)
    (self.bench, self.feed) = (bench, feed)
    return [Double(feed.stepsPerEpoch)]
  }
}

@main
enum StepBench {
  static func main() {
    do {
      try LocalWorld.run(ranks: 1, timeout: .seconds(86_400)) { communicator in
        Denormals.flush()
        var session = try Session(on: communicator)
        while let line = readLine() {
          let answer = try session.obey(line)
          print(answer.map { "\($0)" }.joined(separator: " "))
          fflush(nil)
        }
      }
    } catch {
      let line = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
      FileHandle.standardError.write(Data("step-bench: \(line)\n".utf8))
      exit(ExitCode.badData.rawValue)
    }
  }
}
