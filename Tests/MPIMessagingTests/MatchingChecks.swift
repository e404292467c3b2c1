import Messaging

extension ConformanceCheck {
  /// Which message goes to which receive, and what happens to those that fit nowhere.
  static let matching: [ConformanceCheck] = [
    ConformanceCheck("equal tags keep their order") { world in
      let lengths = [1, 100_000, 2, 0, 50_000, 3]
      let outgoing = lengths.map { Memory(pattern($0, world.rank + $0)) }
      let sends = try outgoing.map {
        try world.startSend(UnsafeRawBufferPointer($0.bytes), to: world.right, tag: 4)
      }
      let buffer = Memory(Array(repeating: 0, count: 100_000))
      for length in lengths {
        let message = try world.receive(into: buffer.bytes, from: world.left, tag: 4)
        try require(message.byteCount == length, "\(message) instead of \(length) bytes")
        try require(
          Array(buffer.content.prefix(length)) == pattern(length, world.left + length),
          "bytes differ")
      }
      for send in sends { _ = try world.wait(send) }
    },

    ConformanceCheck("tags keep messages apart") { world in
      let outgoing = [Float(1), 2]
      var incoming = [Float(0), 0]
      try outgoing.withUnsafeBufferPointer { outgoing in
        try incoming.withUnsafeMutableBufferPointer { incoming in
          let sends = try [0, 1].map {
            try world.startSend(.init(rebasing: outgoing[$0...$0]), to: world.right, tag: 10 + $0)
          }
          for tag in [1, 0] {
            try world.receive(
              into: .init(rebasing: incoming[tag...tag]), from: world.left, tag: 10 + tag)
          }
          for send in sends { _ = try world.wait(send) }
        }
      }
      try require(incoming == [1, 2], "got \(incoming)")
    },

    ConformanceCheck("any sender") { world in
      let own = Memory([UInt8(world.rank)])
      let send = try world.startSend(UnsafeRawBufferPointer(own.bytes), to: 0, tag: 2)
      if world.rank == 0 {
        var seen = Set<Int>()
        let value = Memory([255])
        for _ in 0..<world.size {
          let message = try world.receive(into: value.bytes, from: nil, tag: 2)
          try require(value.content == [UInt8(message.peer)], "not from \(message.peer)")
          seen.insert(message.peer)
        }
        try require(seen.count == world.size, "heard of \(seen)")
      }
      _ = try world.wait(send)
    },

    ConformanceCheck("probe tells what is there") { world in
      let outgoing = Memory(pattern(12, world.rank))
      try require(try world.probe(from: nil, tag: 77) == nil, "nobody used this tag")
      let send = try world.startSend(
        UnsafeRawBufferPointer(outgoing.bytes), to: world.right, tag: 6)
      var found: Message?
      while found == nil { found = try world.probe(from: world.left, tag: 6) }
      try require(found == Message(peer: world.left, tag: 6, byteCount: 12), "found \(found!)")
      try require(try world.probe(from: nil, tag: 6) == found, "probing takes nothing away")
      let incoming = Memory(Array(repeating: 0, count: 12))
      _ = try world.receive(into: incoming.bytes, from: world.left, tag: 6)
      _ = try world.wait(send)
      try require(incoming.content == pattern(12, world.left), "bytes differ")
    },

    // Afterwards the communicator is good for nothing. Open MPI 4.1 cuts what a rank sends to
    // itself without a word, so a rank that is alone cannot be asked.
    ConformanceCheck("a message longer than its buffer is an error") { world in
      guard world.size > 1 else { return }
      let outgoing = Memory(pattern(100, world.rank))
      let incoming = Memory(Array(repeating: 0, count: 50))
      let receive = try world.startReceive(into: incoming.bytes, from: world.left, tag: 1)
      let send = try world.startSend(
        UnsafeRawBufferPointer(outgoing.bytes), to: world.right, tag: 1)
      var failure: MessagingError?
      do throws(MessagingError) { _ = try world.wait(receive) } catch { failure = error }
      _ = try? world.wait(send)
      try require(failure != nil, "nothing was thrown")
      try require(
        failure?.rank == world.rank && failure?.text.lowercased().contains("truncat") == true,
        "\(failure!)")
    },
  ]
}
