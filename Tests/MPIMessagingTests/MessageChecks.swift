import Messaging

#if canImport(Glibc)
  import Glibc
#endif

extension ConformanceCheck {
  static let messages: [ConformanceCheck] = [
    ConformanceCheck("identity") { world in
      try require(world.rank >= 0 && world.rank < world.size, "rank \(world.rank)")
      try require(!world.hostName.isEmpty, "a host has a name")
      let sum = try world.allReduce(Double(world.rank), .sum)
      try require(sum == Double(world.size * (world.size - 1) / 2), "ranks sum to \(sum)")
    },

    ConformanceCheck("messages arrive whole") { world in
      for count in [0, 1, 8, 1000, 70_000, 300_000] {
        let (message, bytes) = try world.exchange(
          pattern(count, world.rank), capacity: count, tag: 5)
        try require(
          message == Message(peer: world.left, tag: 5, byteCount: count), "envelope \(message)")
        try require(bytes == pattern(count, world.left), "\(count) bytes differ")
      }
    },

    ConformanceCheck("short message in a long buffer") { world in
      let (message, bytes) = try world.exchange(pattern(5, world.rank), capacity: 5000, tag: 32_767)
      try require(message.byteCount == 5 && message.tag == 32_767, "envelope \(message)")
      try require(bytes == pattern(5, world.left), "bytes differ")
    },

    ConformanceCheck("message to oneself") { world in
      var incoming: [Float] = [0, 0]
      let outgoing: [Float] = [1, Float(world.rank)]
      try incoming.withUnsafeMutableBufferPointer { incoming in
        try outgoing.withUnsafeBufferPointer { outgoing in
          let receive = try world.startReceive(into: incoming, from: world.rank, tag: 0)
          let send = try world.startSend(outgoing, to: world.rank, tag: 0)
          try require(try world.wait(send).peer == world.rank, "sent elsewhere")
          try require(try world.wait(receive).peer == world.rank, "came from elsewhere")
        }
      }
      try require(incoming == outgoing, "got \(incoming)")
    },

    ConformanceCheck("test reports completion once") { world in
      var incoming = [UInt8](repeating: 0, count: 100)
      let outgoing = pattern(100, world.rank)
      try incoming.withUnsafeMutableBytes { incoming in
        try outgoing.withUnsafeBytes { outgoing in
          var open = [
            try world.startReceive(into: incoming, from: world.left, tag: 9),
            try world.startSend(outgoing, to: world.right, tag: 9),
          ]
          while !open.isEmpty {
            open = try open.filter { try world.test($0) == nil }
            sched_yield()
          }
        }
      }
      try require(incoming == pattern(100, world.left), "bytes differ")
    },

    ConformanceCheck("hundreds of messages under way") { world in
      let count = 500
      var incoming = [Float](repeating: -1, count: count)
      let outgoing = (0..<count).map { Float(1000 * world.rank + $0) }
      var slots = 0
      for _ in 0..<3 {
        try incoming.withUnsafeMutableBufferPointer { incoming in
          try outgoing.withUnsafeBufferPointer { outgoing in
            var requests: [Request] = []
            for index in 0..<count {
              requests.append(
                try world.startReceive(
                  into: .init(rebasing: incoming[index...index]), from: world.left, tag: index))
            }
            for index in (0..<count).reversed() {
              requests.append(
                try world.startSend(
                  .init(rebasing: outgoing[index...index]), to: world.right, tag: index))
            }
            slots = max(slots, requests.map(\.slot).max() ?? 0)
            for request in requests { _ = try world.wait(request) }
          }
        }
        try require(incoming == (0..<count).map { Float(1000 * world.left + $0) }, "values differ")
      }
      try require(slots < 2 * count + 100, "slots are not used again: \(slots)")
    },

    ConformanceCheck("traffic is counted") { world in
      let before = world.traffic
      _ = try world.exchange(pattern(10, 0), capacity: 10, tag: 1)
      var values: [Float] = [1, 2, 3]
      try values.withUnsafeMutableBufferPointer { try world.allReduce($0) }
      try require(
        world.traffic.messages - before.messages == 2
          && world.traffic.bytes - before.bytes == 22, "\(world.traffic) after \(before)")
    },
  ]
}
