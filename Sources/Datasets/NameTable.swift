// Names of classes, numbered as they are met and put in order at the end: a name that is known costs
// a hash and a comparison, and no string.

/// Different names, by number.
struct NameTable {
  /// In the order in which they were met.
  private(set) var names: [[UInt8]] = []
  private var slots = [Int32](repeating: -1, count: 64)  // a power of 2, at least half of them free

  /// The number of a name, new or known.
  mutating func number(of name: UnsafeBufferPointer<UInt8>) -> Int32 {
    var slot = place(of: name)
    if slots[slot] >= 0 { return slots[slot] }
    names.append(Array(name))
    if names.count * 2 > slots.count {
      slots = [Int32](repeating: -1, count: slots.count * 2)
      for (number, known) in names.dropLast().enumerated() {
        let free = known.withUnsafeBufferPointer { place(of: $0) }
        slots[free] = Int32(number)
      }
      slot = place(of: name)
    }
    slots[slot] = Int32(names.count - 1)
    return slots[slot]
  }

  /// Each name's place in ascending order: by value where all are numbers, else byte by byte.
  var ranks: [Int32] {
    let values = names.map { name in
      name.withUnsafeBufferPointer { bytes -> Float? in
        guard let base = bytes.baseAddress else { return nil }
        var at = 0
        let value = DecimalNumber.float(base, &at, bytes.count)
        return at == bytes.count ? value : nil
      }
    }
    let areNumbers = !values.contains(nil)
    let order = names.indices.sorted { a, b in
      if areNumbers, let x = values[a], let y = values[b], x != y { return x < y }
      return names[a].lexicographicallyPrecedes(names[b])
    }
    var ranks = [Int32](repeating: 0, count: names.count)
    for (rank, number) in order.enumerated() { ranks[number] = Int32(rank) }
    return ranks
  }

  /// Where a name is, or where it would be.
  private func place(of name: UnsafeBufferPointer<UInt8>) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: UnsafeRawBufferPointer(name))
    var slot = hasher.finalize() & (slots.count - 1)
    while slots[slot] >= 0, !names[Int(slots[slot])].elementsEqual(name) {
      slot = (slot + 1) & (slots.count - 1)
    }
    return slot
  }
}
