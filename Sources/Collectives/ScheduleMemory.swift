// The memory that a schedule works on while it runs: the vector, the other ranks' copies of it where
// memory is shared, and the staging memory in which values wait to be sent or added.

import Basics
import Kernels
import Messaging

/// Where the transfers of one plan read and write.
final class ScheduleMemory {
  /// The vector.
  var values = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
  /// Finite values that became infinite when they were rounded.
  private(set) var overflowCount = 0

  private let kernels: KernelTable
  private let staging: StagingMemory
  /// Where each rank's block of shared memory begins; nil on another node.
  private let blocks: [UnsafeMutablePointer<Float>?]
  private let ownBlock: UnsafeMutablePointer<Float>?
  private let blockCount: Int
  /// Room for the addresses that a sum reads and writes.
  private let addresses: UnsafeMutablePointer<FloatsOut>
  /// Keeps the blocks alive.
  private let shared: SharedVectors?

  /// Allocates what the plan needs besides the vector.
  init(_ plan: Plan, wire: WireFormat, kernels: KernelTable, shared: SharedVectors?) {
    (self.kernels, self.shared) = (kernels, shared)
    staging = StagingMemory(count: plan.stagingCount, wire: wire, kernels: kernels)
    blocks =
      shared.map { shared in
        shared.blocks.map { $0.map { shared.segment.block(of: $0) } }
      } ?? []
    ownBlock = shared.map { $0.segment.block(of: $0.ownBlock) }
    blockCount = shared?.segment.count ?? 0
    addresses = .allocate(
      capacity: max(1, plan.sums.map { $0.over.count + $0.into.count }.max() ?? 0))
  }

  deinit { addresses.deallocate() }

  // MARK: messages

  /// A part of the vector itself.
  func part(_ range: Range<Int>) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(rebasing: values[range])
  }

  /// Where what is received is put.
  func place(of incoming: Plan.Incoming) -> UnsafeMutableRawBufferPointer {
    incoming.staging.map { staging.bytes($0, count: incoming.range.count) }
      ?? UnsafeMutableRawBufferPointer(part(incoming.range))
  }

  /// What a send hands over: the values themselves, or, rounded, their 16-bit form.
  func encoded(_ send: Plan.Send) -> UnsafeMutableRawBufferPointer {
    guard let place = send.staging, let base = values.baseAddress else {
      return UnsafeMutableRawBufferPointer(part(send.range))
    }
    let count = send.range.count
    overflowCount += staging.encode(base + send.range.lowerBound, count: count, at: place)
    return staging.bytes(place, count: count)
  }

  // MARK: arithmetic

  /// Takes what has been received, or lies in another rank's vector, to its place.
  func take(_ incoming: Plan.Incoming) {
    guard let base = values.baseAddress else { return }
    let target = base + incoming.range.lowerBound
    let count = incoming.range.count
    if let place = incoming.staging {
      staging.take(place, count: count, incoming.arrival, into: target)
    } else if incoming.isLoad {
      let source = UnsafePointer(vector(of: incoming.peer) + incoming.range.lowerBound)
      switch incoming.arrival {
      case .add: kernels.add(count, x: source, y: target)
      case .copy: target.update(from: source, count: count)
      }
    }
  }

  /// Sums over ranks' vectors into ranks' vectors.
  func sum(_ sum: Plan.Sum) {
    var place = addresses
    for rank in sum.over {
      place.initialize(to: vector(of: rank) + sum.range.lowerBound)
      place += 1
    }
    for rank in sum.into {
      place.initialize(to: vector(of: rank) + sum.range.lowerBound)
      place += 1
    }
    kernels.sumVectors(
      sum.range.count, x: addresses, over: sum.over.count, y: addresses + sum.over.count,
      into: sum.into.count)
  }

  /// Adds one part of the vector to another.
  func add(_ addition: (range: Range<Int>, to: Int)) {
    guard let base = values.baseAddress else { return }
    kernels.add(
      addition.range.count, x: base + addition.range.lowerBound, y: base + addition.to)
  }

  /// Gives sums that other ranks may have got by message the values that those have.
  func roundSums(_ rounding: FinalRounding) {
    guard let base = values.baseAddress else { return }
    switch rounding {
    case .everything: overflowCount += staging.round(base, count: values.count)
    case .ranges(let ranges):
      for range in ranges {
        overflowCount += staging.round(base + range.lowerBound, count: range.count)
      }
    }
  }

  /// The vector of a rank of the node: as far into its block as ours is into our own.
  private func vector(of peer: Int) -> UnsafeMutablePointer<Float> {
    guard let base = values.baseAddress, let ownBlock, let block = blocks[peer] else {
      preconditionFailure("rank \(peer) shares no memory with this one")
    }
    let offset = base - ownBlock
    precondition(
      offset >= 0 && offset + values.count <= blockCount,
      "the vector must lie in this rank's block of shared memory")
    return block + offset
  }
}
