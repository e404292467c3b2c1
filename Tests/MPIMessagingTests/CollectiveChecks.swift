import Messaging

extension ConformanceCheck {
  static let collective: [ConformanceCheck] = [
    ConformanceCheck("barriers") { world in
      for _ in 0..<20 { try world.barrier() }
    },

    ConformanceCheck("broadcast from every rank") { world in
      for root in 0..<world.size {
        for count in [0, 1, 1000, 50_003] {
          var bytes = world.rank == root ? pattern(count, root) : Array(repeating: 0, count: count)
          try bytes.withUnsafeMutableBytes { try world.broadcast($0, root: root) }
          try require(bytes == pattern(count, root), "\(count) bytes from rank \(root) differ")
        }
      }
    },

    ConformanceCheck("all-reduce of floats") { world in
      for count in [0, 1, 1000, 10_001] {
        var values = (0..<count).map { Float($0 % 50 + world.rank) }
        let sum = (0..<count).map { index in
          (0..<world.size).reduce(Float(0)) { $0 + Float(index % 50 + $1) }
        }
        var others = values
        try values.withUnsafeMutableBufferPointer { try world.allReduce($0) }
        try require(values == sum, "blocking, \(count) floats")
        try others.withUnsafeMutableBufferPointer {
          _ = try world.wait(try world.startAllReduce($0))
        }
        try require(others == sum, "nonblocking, \(count) floats")
      }
    },

    ConformanceCheck("several all-reduces under way") { world in
      let length = 999
      var values = (0..<3 * length).map { Float($0 / length + world.rank) }
      try values.withUnsafeMutableBufferPointer { values in
        let requests = try (0..<3).map {
          try world.startAllReduce(.init(rebasing: values[$0 * length..<($0 + 1) * length]))
        }
        for request in requests.reversed() { _ = try world.wait(request) }
      }
      let ranks = world.size * (world.size - 1) / 2
      for index in values.indices {
        try require(
          values[index] == Float(index / length * world.size + ranks), "value \(index)")
      }
    },

    ConformanceCheck("all-reduce of doubles") { world in
      let own = Double(world.rank) + 0.25
      let size = Double(world.size)
      try require(
        try world.allReduce(own, .sum) == size * (size - 1) / 2 + size * 0.25, "sum")
      try require(try world.allReduce(own, .minimum) == 0.25, "minimum")
      try require(try world.allReduce(own, .maximum) == size - 0.75, "maximum")
    },

    ConformanceCheck("split by color and key") { world in
      let part = try world.split(color: world.rank % 2, key: -world.rank)
      guard let part else { throw ConformanceFailure(description: "no part for a color") }
      let members = (0..<world.size).filter { $0 % 2 == world.rank % 2 }
      try require(part.size == members.count, "\(part.size) members")
      let order = Array(members.reversed())
      try require(order[part.rank] == world.rank, "place \(part.rank)")
      // Messages of the part and of the whole do not meet.
      let (message, bytes) = try part.exchange(pattern(9, world.rank), capacity: 9, tag: 3)
      try require(
        message.peer == part.left && bytes == pattern(9, order[part.left]), "in the part")
      try require(
        try part.allReduce(1, .sum) == Double(members.count), "sum over the part")
      let none = try world.split(color: world.rank == 0 ? 0 : nil, key: 0)
      try require((none != nil) == (world.rank == 0), "only rank 0 gave a color")
    },
  ]
}
