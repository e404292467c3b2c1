// The header of NumPy's array files (NEP 1; numpy.lib.format): a magic number, a version, a length, and
// a Python dictionary of three keys, `{'descr': '<f4', 'fortran_order': False, 'shape': (60000, 784), }`.

/// What a header says.
struct NPYHeader {
  /// Of the elements.
  let type: NumericType
  /// Whether elements are in the byte order that this machine does not use.
  let isSwapped: Bool
  /// Extents, outermost first; all positive.
  let shape: [Int]
  /// Where elements begin.
  let length: Int

  private static let keys = ["descr", "fortran_order", "shape"]

  /// Reads the header of `file`.
  ///
  /// - Throws: `DataError` that names the byte.
  init(_ file: BinaryFile) throws(DataError) {
    let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
    guard file.bytes.starts(with: magic) else {
      throw file.failure(
        at: 0, "no array file of NumPy: it begins with \(shown(file.bytes, most: 6))")
    }
    let major = try file.number(UInt8.self, at: 6, "version")
    guard (1...3).contains(major) else {
      throw file.failure(at: 6, "version \(major) of the format; 1 to 3 are read")
    }
    let isShort = major == 1
    let start = isShort ? 10 : 12
    let count =
      isShort
      ? try file.number(UInt16.self, at: 8, "length of the header")
      : try file.number(UInt32.self, at: 8, "length of the header")
    let text = try file.part(at: start, count: count, "header")
    length = start + count
    var literal = PythonLiteral(text, file, first: start)
    var type: (NumericType, Bool)?, shape: [Int]?, order: Bool?
    try literal.dictionary { literal, key, place throws(DataError) in
      switch key {
      case "descr": type = try Self.type(literal.string(), file, place)
      case "fortran_order": order = try literal.bool()
      case "shape": shape = try literal.tuple()
      default:
        throw file.failure(
          at: place, "the key \(shown(key.utf8)) where one of descr, fortran_order, shape belongs")
      }
    }
    guard let type, let shape, let order else {
      throw file.failure(at: start, "descr, fortran_order and shape are needed")
    }
    (self.type, isSwapped) = type
    self.shape = shape
    // Of one dimension the order makes no difference.
    guard !order || shape.count < 2 else {
      throw file.failure(
        at: start, "an array in Fortran order; save it as numpy.ascontiguousarray(array)")
    }
  }

  private static func type(
    _ text: String, _ file: BinaryFile, _ place: Int
  ) throws(DataError) -> (NumericType, Bool) {
    let isLittle = 1.littleEndian == 1
    let swapped: Bool? =
      switch text.first {
      case "<": !isLittle
      case ">": isLittle
      case "|", "=": false
      default: nil
      }
    guard let swapped, let type = NumericType(rawValue: String(text.dropFirst())) else {
      let known = NumericType.allCases.map(\.rawValue).joined(separator: ", ")
      throw file.failure(
        at: place, "elements of the type \(shown(text.utf8)); \(known) are read, after < or >")
    }
    return (type, swapped)
  }
}

/// As much of Python's literals as a header needs, read from left to right.
struct PythonLiteral {
  private let text: UnsafeRawBufferPointer
  private let file: BinaryFile
  private let first: Int
  private var at = 0

  /// Reads `text`, which begins at byte `first` of `file`.
  init(_ text: UnsafeRawBufferPointer, _ file: BinaryFile, first: Int) {
    (self.text, self.file, self.first) = (text, file, first)
  }

  /// `{'key': value, ...}`: calls `value`, which reads what belongs to a key, for each. Behind the
  /// dictionary only blanks may follow.
  mutating func dictionary(
    _ value: (inout PythonLiteral, _ key: String, _ place: Int) throws(DataError) -> Void
  ) throws(DataError) {
    try require("{")
    while !take("}") {
      let key = try string()
      try require(":")
      skipBlanks()
      try value(&self, key, first + at)
      if take(",") { continue }
      try require("}")
      break
    }
    skipBlanks()
    guard at == text.count else { throw unexpected("the header's end") }
  }

  /// `'text'`, without escapes.
  mutating func string() throws(DataError) -> String {
    skipBlanks()
    guard at < text.count, text[at] == UInt8(ascii: "'") || text[at] == UInt8(ascii: "\"") else {
      throw unexpected("a string")
    }
    let quote = text[at], begin = at + 1
    at = begin
    while at < text.count, text[at] != quote { at += 1 }
    guard at < text.count else { throw unexpected("the string's end") }
    at += 1
    return String(decoding: text[begin..<at - 1], as: UTF8.self)
  }

  /// `True` or `False`.
  mutating func bool() throws(DataError) -> Bool {
    skipBlanks()
    for (word, value) in [("True", true), ("False", false)]
    where text[at...].starts(with: word.utf8) {
      at += word.utf8.count
      return value
    }
    throw unexpected("True or False")
  }

  /// `(60000, 784)`: extents above 0, as many as there are; their product is a possible size.
  mutating func tuple() throws(DataError) -> [Int] {
    try require("(")
    var extents: [Int] = [], product = 1
    while !take(")") {
      let extent = try whole()
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard extent > 0, !overflow, next < 1 << 48, extents.count < 32 else {
        throw file.failure(at: first + at, "an impossible shape")
      }
      product = next
      extents.append(extent)
      if !take(",") {
        try require(")")
        break
      }
    }
    return extents
  }

  private mutating func whole() throws(DataError) -> Int {
    skipBlanks()
    let bytes = text.assumingMemoryBound(to: UInt8.self)
    guard let base = bytes.baseAddress,
      let value = DecimalNumber.whole(base, &at, text.count, largest: 1 << 48)
    else { throw unexpected("a possible extent") }
    _ = take("L")  // Python 2
    return value
  }

  private mutating func take(_ mark: Unicode.Scalar) -> Bool {
    skipBlanks()
    guard at < text.count, text[at] == UInt8(ascii: mark) else { return false }
    at += 1
    return true
  }

  private mutating func require(_ mark: Unicode.Scalar) throws(DataError) {
    guard take(mark) else { throw unexpected("'\(mark)'") }
  }

  private mutating func skipBlanks() {
    while at < text.count, text[at] == UInt8(ascii: " ") || text[at] == newline { at += 1 }
  }

  private func unexpected(_ wanted: String) -> DataError {
    let found = at < text.count ? shown(text[at...], most: 12) : "the end"
    return file.failure(at: first + at, "\(found) where the header needs \(wanted)")
  }
}
