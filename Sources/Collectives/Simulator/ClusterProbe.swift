// Measures a cluster's parameters where they are: what `ClusterSimulator` then foresees stands on
// the same links and processors that the ranks run on.
//
// Cost: a second or two, most of it ping-pong of long messages.

import Basics
import Kernels
import Messaging

/// Measures the parameters of the ranks' own cluster. Collective throughout.
public struct ClusterProbe {
  private let group: RankGroup
  private let kernels: KernelTable
  private let communicator: any Communicator
  private let clock = ContinuousClock()

  /// - Parameter kernels: adds what arrives.
  public init(_ group: RankGroup, kernels: KernelTable) {
    (self.group, self.kernels, communicator) = (group, kernels, group.communicator)
  }

  /// The parameters; the same on all ranks. What this cluster cannot show (links on one node, a
  /// second rank on any node) keeps its default.
  ///
  /// - Parameter bytes: of long messages; some are four times as long.
  public func measure(bytes: Int = 2 << 20) throws(MessagingError) -> ClusterModel {
    var model = ClusterModel()
    let neighbour = group.topology.members[0].dropFirst().first
    let stranger = group.topology.members.dropFirst().first?[0]
    if let neighbour {
      model.localLatency = try roundTrip(4, with: neighbour, times: 200) / 2
      let long = try roundTrip(bytes, with: neighbour, times: 5) / 2
      model.localBandwidth = Double(bytes) / max(long - model.localLatency, 1e-9)
      model.fence = try fence()
    }
    if let stranger {
      let short = try roundTrip(4, with: stranger, times: 200) / 2
      // Two long messages: links may let the beginning of each pass at once.
      let long = try roundTrip(bytes, with: stranger, times: 7) / 2
      let fourfold = try roundTrip(4 * bytes, with: stranger, times: 3) / 2
      model.bandwidth = Double(3 * bytes) / max(fourfold - long, 1e-9)
      // Eight more messages in one direction take as long as processors need for them.
      let ahead = 8
      let longer = try roundTrip(4, with: stranger, times: 200, ahead: ahead)
      let overhead = min(max(0, longer - 2 * short) / Double(ahead), short / 2)
      (model.sendOverhead, model.receiveOverhead) = (overhead, overhead)
      model.latency = short - 2 * overhead
      // A long message is asked for, and answered.
      model.handshake = 2 * short
      let all = try shift(messages: max(1, 4 * bytes / messageBytes))
      if all < 0.85 * model.bandwidth { model.fabric = all * Double(group.topology.members.count) }
    }
    (model.reduceCost, model.memoryCost) = try memory(bytes / 2)
    return model
  }

  /// Seconds there and back between rank 0 and another, the median; the others wait.
  ///
  /// - Parameter ahead: further messages there, before the one that is answered.
  private func roundTrip(_ bytes: Int, with peer: Int, times: Int, ahead: Int = 0)
    throws(MessagingError) -> Double
  {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 1)
    let message = UnsafeRawBufferPointer(memory)
    var seconds: [Double] = []
    try communicator.barrier()
    for turn in -2..<times where communicator.rank == 0 || communicator.rank == peer {
      let start = clock.now
      if communicator.rank == 0 {
        var requests: [Request] = []
        for _ in 0...ahead {
          requests.append(try communicator.startSend(message, to: peer, tag: 0))
        }
        for request in requests { _ = try communicator.wait(request) }
        try communicator.receive(into: memory, from: peer, tag: 0)
      } else {
        for _ in 0...ahead { try communicator.receive(into: memory, from: 0, tag: 0) }
        try communicator.send(message, to: 0, tag: 0)
      }
      if turn >= 0 { seconds.append((clock.now - start) / .seconds(1)) }
    }
    try communicator.barrier()
    let median = communicator.rank == 0 ? seconds.sorted()[seconds.count / 2] : 0
    return try communicator.allReduce(median, .maximum)
  }

  /// Bytes per second of each node's port while every node sends to the next one: many messages, so
  /// that a late start does not weigh much.
  private func shift(messages: Int) throws(MessagingError) -> Double {
    let members = group.topology.members, node = group.topology.nodes[group.rank]
    let isFirst = members[node][0] == group.rank
    let from = members[(node + members.count - 1) % members.count][0]
    let to = members[(node + 1) % members.count][0]
    let out = UnsafeMutableRawBufferPointer.allocate(byteCount: messageBytes, alignment: 64)
    let into = UnsafeMutableRawBufferPointer.allocate(byteCount: messageBytes, alignment: 64)
    defer {
      out.deallocate()
      into.deallocate()
    }
    out.initializeMemory(as: UInt8.self, repeating: 1)
    var best = Double.infinity
    for _ in 0..<4 {
      try communicator.barrier()
      let start = clock.now
      var requests: [Request] = []
      for _ in 0..<(isFirst ? messages : 0) {
        requests.append(try communicator.startReceive(into: into, from: from, tag: 0))
      }
      for _ in 0..<(isFirst ? messages : 0) {
        requests.append(
          try communicator.startSend(UnsafeRawBufferPointer(out), to: to, tag: 0))
      }
      for request in requests { _ = try communicator.wait(request) }
      let own = isFirst ? (clock.now - start) / .seconds(1) : 0
      best = min(best, try communicator.allReduce(own, .maximum))
    }
    return Double(messageBytes * messages) / best
  }

  /// Seconds of one fence, when all ranks of the node are there.
  private func fence() throws(MessagingError) -> Double {
    let vector = try group.vector(count: 16)
    guard vector.shared != nil else { return 0 }
    let runner = group.runner(
      Schedule([[Transfer]](repeating: [.fence], count: 200)), on: vector, tag: 0, kernels: kernels)
    try runner.run(on: vector.buffer.values)
    let start = clock.now
    try runner.run(on: vector.buffer.values)
    return try communicator.allReduce((clock.now - start) / .seconds(200), .maximum)
  }

  /// Seconds per byte added to a vector that arrived, and per byte read or written, while all ranks
  /// are at it; the median of a few on the slowest rank.
  private func memory(_ count: Int) throws(MessagingError) -> (reduce: Double, pass: Double) {
    let x = FloatBuffer(count: count), y = FloatBuffer(count: count)
    func median(_ body: () -> Void) throws(MessagingError) -> Double {
      body()
      try communicator.barrier()
      var seconds: [Double] = []
      for _ in 0..<7 {
        let start = clock.now
        body()
        seconds.append((clock.now - start) / .seconds(1))
      }
      return try communicator.allReduce(seconds.sorted()[3], .maximum) / Double(4 * count)
    }
    let reduce = try median { kernels.add(count, x: UnsafePointer(x.pointer), y: y.pointer) }
    let copy = try median { y.pointer.update(from: x.pointer, count: count) }
    return (reduce, copy / 2)
  }
}
