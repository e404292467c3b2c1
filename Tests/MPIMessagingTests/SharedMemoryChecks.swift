import Messaging

extension ConformanceCheck {
  static let shared: [ConformanceCheck] = [
    ConformanceCheck("shared segments") { world in
      let node = try world.splitByNode()
      try require(node.size <= world.size, "a node has \(node.size) ranks")
      for count in [0, 1, 100, 10_001] {
        let segment = try node.sharedSegment(count: count)
        try require(segment.count == count, "length \(segment.count)")
        for rank in 0..<node.size {
          let block = segment.block(of: rank)
          try require(UInt(bitPattern: block) % 64 == 0, "block \(rank) is not aligned")
          let isZero = (0..<count).allSatisfy { block[$0] == 0 }
          try require(isZero, "block \(rank) is not zero")
        }
        try segment.fence()
        // Everybody writes into everybody's block.
        for rank in 0..<node.size {
          for index in stride(from: node.rank, to: count, by: node.size) {
            segment.block(of: rank)[index] = Float(rank * 1000 + node.rank)
          }
        }
        try segment.fence()
        for rank in 0..<node.size {
          let block = segment.block(of: rank)
          for index in 0..<count where block[index] != Float(rank * 1000 + index % node.size) {
            throw ConformanceFailure(description: "element \(index) of block \(rank)")
          }
        }
        try segment.fence()
      }
    },

    ConformanceCheck("blocks of different lengths") { world in
      let node = try world.splitByNode()
      // As for a vector that all have in common: the first rank asks for it, the others for nothing.
      let segment = try node.sharedSegment(count: node.rank == 0 ? 1000 : 0)
      try require(segment.count == (node.rank == 0 ? 1000 : 0), "length \(segment.count)")
      for index in stride(from: node.rank, to: 1000, by: node.size) {
        segment.block(of: 0)[index] = Float(index)
      }
      try segment.fence()
      for index in 0..<1000 where segment.block(of: 0)[index] != Float(index) {
        throw ConformanceFailure(description: "element \(index)")
      }
      try segment.fence()
    },

    ConformanceCheck("fences in two halves and several channels") { world in
      let node = try world.splitByNode()
      let segment = try node.sharedSegment(count: 2)
      let own = segment.block(of: node.rank)
      for repetition in 1...50 {
        own[0] = Float(repetition)
        let first = try segment.arrive(channel: node.rank % 2 == 0 ? 1 : 63)
        own[1] = Float(-repetition)
        let second = try segment.arrive(channel: node.rank % 2 == 0 ? 63 : 1)
        try require(first.number == repetition && second.number == repetition, "\(first)")
        while try !segment.hasPassed(second) {}
        try segment.wait(first)
        for rank in 0..<node.size {
          let block = segment.block(of: rank)
          try require(
            block[0] == Float(repetition) && block[1] == Float(-repetition), "of rank \(rank)")
        }
        try segment.fence(channel: 0)
      }
    },

    ConformanceCheck("messages move while a rank waits at a fence") { world in
      let node = try world.splitByNode()
      let segment = try node.sharedSegment(count: 1)
      let outgoing = pattern(200_000, node.rank)
      var incoming = [UInt8](repeating: 0, count: outgoing.count)
      try incoming.withUnsafeMutableBytes { incoming in
        try outgoing.withUnsafeBytes { outgoing in
          // Even ranks go to the fence while their neighbours still wait for their message.
          let send = try node.startSend(outgoing, to: node.right, tag: 1)
          let receive = try node.startReceive(into: incoming, from: node.left, tag: 1)
          if node.rank % 2 == 1 { _ = try node.wait(receive) }
          try segment.fence()
          if node.rank % 2 == 0 { _ = try node.wait(receive) }
          _ = try node.wait(send)
        }
      }
      try require(incoming == pattern(outgoing.count, node.left), "bytes differ")
    },
  ]
}
