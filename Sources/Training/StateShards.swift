// Optimizer state between ranks: where updates are sharded, every rank holds its part of it, but a
// checkpoint holds it whole, as one rank alone would have it. So a run may go on with more ranks or
// fewer, sharded or not.
//
// Cost: each part travels once; rank 0 needs room for one whole slot at a time when restoring, and
// for all of them while a checkpoint is written.

import Basics
import Messaging
import Strategies

/// Gathers and scatters the optimizer's vectors.
struct StateShards {
  private let worker: Worker

  private static let tag = 1_001

  init(_ worker: Worker) { self.worker = worker }

  private var communicator: any Communicator { worker.communicator }

  /// Rank 0 gets a whole slot, laid out like the parameters; nil on the others. Collective.
  func gather(_ slot: Int) throws(MessagingError) -> FloatBuffer? {
    guard worker.plan.isSharded else {
      return communicator.rank == 0 ? worker.replica.optimizerState[0].slots[slot] : nil
    }
    guard communicator.rank == 0 else {
      for state in worker.replica.optimizerState {
        try communicator.send(UnsafeBufferPointer(state.slots[slot].values), to: 0, tag: Self.tag)
      }
      return nil
    }
    let whole = FloatBuffer(count: worker.replica.layout.count)
    for rank in 1..<communicator.size {
      for range in worker.plan.updated(by: rank) {
        try communicator.receive(into: whole[range], from: rank, tag: Self.tag)
      }
    }
    for state in worker.replica.optimizerState {
      whole.pointer.advanced(by: state.range.lowerBound).update(
        from: state.slots[slot].pointer, count: state.range.count)
    }
    return whole
  }

  /// Every rank gets its part of a slot that rank 0 holds in `whole` (nil on the others). Collective.
  func scatter(_ slot: Int, from whole: FloatBuffer?) throws(MessagingError) {
    let states = worker.replica.optimizerState
    if let whole {
      for state in states {
        state.slots[slot].pointer.update(
          from: whole.pointer + state.range.lowerBound, count: state.range.count)
      }
    }
    guard worker.plan.isSharded else {
      return try communicator.broadcast(
        UnsafeMutableRawBufferPointer(states[0].slots[slot].values), root: 0)
    }
    if let whole {
      for rank in 1..<communicator.size {
        for range in worker.plan.updated(by: rank) {
          try communicator.send(UnsafeBufferPointer(whole[range]), to: rank, tag: Self.tag)
        }
      }
    } else {
      for state in states {
        try communicator.receive(into: state.slots[slot].values, from: 0, tag: Self.tag)
      }
    }
  }
}
