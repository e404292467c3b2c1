// Saving and restoring a run: model, optimizer state, method state, position. Rank 0 writes and
// reads; vectors that differ among ranks travel to it one after the other, and back.
//
// Names: parameters as PyTorch's nn.Sequential has them (`0.weight`), optimizer state as
// `optimizer.SLOT.0.weight`, method state as `method.NAME.0.weight`, and with `rankR.` before the
// tensor's name where each rank has its own. All in PyTorch's axis order.

import Basics
import Foundation
import Kernels
import Messaging
import Strategies

/// A run's state as named vectors.
struct Checkpoint {
  let worker: Worker
  let strategy: any Strategy

  /// State of which every rank has the same or its own.
  private struct Section {
    let prefix: String
    let buffer: FloatBuffer
    let scope: StateVector.Scope
  }

  private var sections: [Section] {
    (areSlotsWhole ? [] : ownSlots)
      + strategy.state.map {
        Section(prefix: "method.\($0.name).", buffer: $0.buffer, scope: $0.scope)
      }
  }

  /// Whether the optimizer's state is one for all ranks, wherever its parts lie.
  private var areSlotsWhole: Bool { strategy.optimizerScope == .shared }

  /// The optimizer's slots of ranks that have a state each.
  private var ownSlots: [Section] {
    zip(worker.optimizer.slots, worker.replica.optimizerState[0].slots).map {
      Section(prefix: Self.prefix(ofSlot: $0), buffer: $1, scope: .perRank)
    }
  }

  /// The optimizer's slots that `StateShards` moves: number and name.
  private var wholeSlots: [(offset: Int, element: String)] {
    areSlotsWhole ? Array(worker.optimizer.slots.enumerated()) : []
  }

  /// What the names of everything but the model's own tensors begin with.
  static let statePrefixes = ["optimizer.", "method."]

  /// Refuses a model whose tensors would be taken for other state.
  static func requireFreeNames(_ layout: ParameterLayout) throws(UsageError) {
    for tensor in layout.tensors {
      for prefix in statePrefixes where tensor.name.hasPrefix(prefix) {
        throw UsageError(
          "the tensor '\(tensor.name)': names that begin with '\(prefix)' are those of other state"
            + " in checkpoints; give the layer another name")
      }
    }
  }

  private static func prefix(ofSlot name: String) -> String { "optimizer.\(name)." }

  /// The bytes of a checkpoint on rank 0, nil on the others. Collective.
  func encode(_ facts: CheckpointFacts) throws -> Data? {
    let layout = worker.replica.layout
    let model = try strategy.model()
    let isWriter = worker.communicator.rank == 0
    var tensors = isWriter ? Self.tensors("", model, count: layout.count, layout) : []
    var gathered: [FloatBuffer] = []  // kept until the file is encoded
    for (slot, name) in wholeSlots {
      guard let buffer = try StateShards(worker).gather(slot) else { continue }
      gathered.append(buffer)
      tensors += Self.tensors(
        Self.prefix(ofSlot: name), FloatsIn(buffer.pointer), count: buffer.count, layout)
    }
    for section in sections {
      switch section.scope {
      case .shared:
        guard isWriter else { continue }
        tensors += Self.tensors(
          section.prefix, FloatsIn(section.buffer.pointer), count: section.buffer.count, layout)
      case .perRank:
        for rank in 0..<worker.communicator.size {
          guard let buffer = try gather(section.buffer, from: rank) else { continue }
          gathered.append(buffer)
          tensors += Self.tensors(
            section.prefix + "rank\(rank).", FloatsIn(buffer.pointer), count: buffer.count, layout)
        }
      }
    }
    guard isWriter else { return nil }
    return try withExtendedLifetime(gathered) {
      try SafetensorsFile.encode(tensors, metadata: facts.metadata())
    }
  }

  /// Restores everything from rank 0's file contents (nil on the others). Collective.
  func restore(_ contents: SafetensorsFile.Contents?, path: String) throws {
    let replica = worker.replica
    let agreement = Agreement(over: worker.communicator)
    var updates = 0.0
    try agreement.agree {
      guard let contents else { return }
      updates = Double(try CheckpointFacts(contents.metadata, path: path).updates)
      try checkRanks(contents, path)
      try read(contents, "", into: replica.parameters, path)
    }
    try replica.takeParametersOfRank0(over: worker.communicator)
    for (slot, name) in wholeSlots {
      let whole = contents == nil ? nil : FloatBuffer(count: replica.layout.count)
      try agreement.agree {
        guard let contents, let whole else { return }
        try read(contents, Self.prefix(ofSlot: name), into: whole, path)
      }
      try StateShards(worker).scatter(slot, from: whole)
    }
    for section in sections {
      for rank in section.scope == .shared ? 0..<1 : 0..<worker.communicator.size {
        let prefix = section.scope == .shared ? section.prefix : section.prefix + "rank\(rank)."
        let buffer =
          section.scope == .perRank && worker.communicator.rank == 0 && rank != 0
          ? FloatBuffer(count: section.buffer.count) : section.buffer
        try agreement.agree {
          if let contents { try read(contents, prefix, into: buffer, path) }
        }
        if section.scope == .perRank { try deliver(buffer, to: rank) }
      }
      if section.scope == .shared { try broadcast(section.buffer) }
    }
    replica.updates = Int(try agreement.reduce(updates, .maximum))
  }

  /// Refuses what ranks keep for themselves where they were more or fewer.
  private func checkRanks(_ contents: SafetensorsFile.Contents, _ path: String) throws {
    let size = worker.communicator.size
    for section in sections where section.scope == .perRank {
      var found = 0
      while contents.tensors.keys.contains(where: {
        $0 == "\(section.prefix)rank\(found)" || $0.hasPrefix("\(section.prefix)rank\(found).")
      }) { found += 1 }
      guard found > 0, found != size else { continue }
      throw CheckpointError(
        path,
        "made by \(found) ranks, each with a state of its own that this strategy needs: it cannot"
          + " go on with \(size)")
    }
  }

  // MARK: Tensors in and out of a flat vector

  static func tensors(
    _ prefix: String, _ values: FloatsIn, count: Int, _ layout: ParameterLayout
  ) -> [TensorValues] {
    guard count == layout.count else {
      let name = String(prefix.dropLast())
      return [TensorValues(name: name, shape: [count]) { $0.update(from: values, count: count) }]
    }
    return layout.tensors.map { tensor in
      TensorValues(name: prefix + tensor.name, shape: tensor.request.exportedShape) { place in
        tensor.forEachExported { place[$0] = values[$1] }
      }
    }
  }

  private func read(
    _ contents: SafetensorsFile.Contents, _ prefix: String, into buffer: FloatBuffer, _ path: String
  ) throws {
    let layout = worker.replica.layout
    guard buffer.count == layout.count else {
      try Self.read(contents, String(prefix.dropLast()), shape: [buffer.count], path) { values in
        for index in values.indices { buffer.pointer[index] = values[index] }
      }
      return
    }
    try Self.readTensors(contents, prefix, layout: layout, into: buffer, path: path)
  }

  private static func read(
    _ contents: SafetensorsFile.Contents, _ name: String, shape: [Int], _ path: String,
    _ body: (UnsafeBufferPointer<Float>) -> Void
  ) throws {
    guard let (found, _) = contents.tensors[name] else {
      throw CheckpointError(
        path, "has no tensor '\(name)': a checkpoint of another model or method")
    }
    guard found == shape else {
      throw CheckpointError(
        path, "tensor '\(name)' is \(found), this model needs \(shape): another model's checkpoint")
    }
    contents.withValues(name, body)
  }

  /// A vector laid out like the parameters; with no prefix, the parameters themselves.
  static func readTensors(
    _ contents: SafetensorsFile.Contents, _ prefix: String = "", layout: ParameterLayout,
    into buffer: FloatBuffer, path: String
  ) throws {
    for tensor in layout.tensors {
      let name = prefix + tensor.name
      try read(contents, name, shape: tensor.request.exportedShape, path) { values in
        tensor.forEachExported { buffer.pointer[$1] = values[$0] }
      }
    }
  }

  // MARK: Between ranks

  private static let tag = 1_000

  private func broadcast(_ buffer: FloatBuffer) throws {
    try worker.communicator.broadcast(UnsafeMutableRawBufferPointer(buffer.values), root: 0)
  }

  /// Rank 0 gets `rank`'s values; nil on the others.
  private func gather(_ buffer: FloatBuffer, from rank: Int) throws -> FloatBuffer? {
    let communicator = worker.communicator
    if rank == 0 { return communicator.rank == 0 ? buffer : nil }
    if communicator.rank == rank {
      let request = try communicator.startSend(
        UnsafeRawBufferPointer(buffer.values), to: 0, tag: Self.tag)
      _ = try communicator.wait(request)
    }
    guard communicator.rank == 0 else { return nil }
    let copy = FloatBuffer(count: buffer.count)
    let request = try communicator.startReceive(
      into: UnsafeMutableRawBufferPointer(copy.values), from: rank, tag: Self.tag)
    _ = try communicator.wait(request)
    return copy
  }

  /// Rank `rank` gets what rank 0 has in `buffer`.
  private func deliver(_ buffer: FloatBuffer, to rank: Int) throws {
    let communicator = worker.communicator
    guard rank != 0 else { return }
    if communicator.rank == 0 {
      let request = try communicator.startSend(
        UnsafeRawBufferPointer(buffer.values), to: rank, tag: Self.tag)
      _ = try communicator.wait(request)
    } else if communicator.rank == rank {
      let request = try communicator.startReceive(
        into: UnsafeMutableRawBufferPointer(buffer.values), from: 0, tag: Self.tag)
      _ = try communicator.wait(request)
    }
  }
}
