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

  /// A name that is a number where all are, but none that a class can be.
  struct NoClass: Error { let number: Int }

  /// The class of each name, and what classes are called, in ascending order: by value where all names
  /// are numbers, of which `1`, `+1` and `1.0` are the same class; else byte by byte.
  ///
  /// - Throws: `NoClass` where all are numbers and one has a fraction or is not finite.
  func classes() throws(NoClass) -> (numbers: [Int32], names: [String]) {
    let values = names.map(Self.number)
    guard !values.contains(nil) else {
      let order = names.indices.sorted { names[$0].lexicographicallyPrecedes(names[$1]) }
      var numbers = [Int32](repeating: 0, count: names.count)
      for (rank, number) in order.enumerated() { numbers[number] = Int32(rank) }
      return (numbers, order.map { String(decoding: names[$0], as: UTF8.self) })
    }
    var wholes: [Int] = []
    for (number, value) in values.enumerated() {
      // Doubles know every whole number up to here.
      guard let value, abs(value) <= 0x1p53, let whole = Int(exactly: value) else {
        throw NoClass(number: number)
      }
      wholes.append(whole)
    }
    let ordered = Set(wholes).sorted()
    let places = Dictionary(uniqueKeysWithValues: ordered.enumerated().map { ($1, Int32($0)) })
    return (wholes.map { places[$0]! }, ordered.map(String.init))
  }

  /// The number that a name is, finite or not.
  static func number(_ name: [UInt8]) -> Double? {
    // `0x10` is a name.
    name.contains { $0 | 0x20 == UInt8(ascii: "x") }
      ? nil : Double(String(decoding: name, as: UTF8.self))
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
