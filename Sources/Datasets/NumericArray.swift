// An array of numbers of any usual type, where it lies in a file: converted to floats sample by
// sample, when samples are read, so that a mapped file of bytes stays a file of bytes.

import Basics

/// Types of elements, by NumPy's names.
enum NumericType: String, CaseIterable {
  case f2, f4, f8, u1, u2, u4, i1, i2, i4, i8, b1

  /// Bytes of an element.
  var size: Int {
    switch self {
    case .u1, .i1, .b1: 1
    case .f2, .u2, .i2: 2
    case .f4, .u4, .i4: 4
    case .f8, .i8: 8
    }
  }

  /// Whether elements are numbers with fractions.
  var isFloat: Bool { [.f2, .f4, .f8].contains(self) }
}

/// An array of a NumPy file.
struct NumericArray: @unchecked Sendable {
  /// Extents, outermost first.
  let shape: [Int]
  /// Of the elements.
  let type: NumericType
  /// For messages: the file, and within an archive the member.
  var path: String { file.path }

  private let file: BinaryFile
  private let isSwapped: Bool
  private let first: Int

  /// Opens an array file, or a member of an archive that is one.
  ///
  /// - Throws: `DataError` for a malformed header, or if elements are missing or too many.
  init(_ file: BinaryFile) throws(DataError) {
    let header = try NPYHeader(file)
    self.file = file
    (shape, type, isSwapped, first) = (header.shape, header.type, header.isSwapped, header.length)
    let size = shape.reduce(type.size, *)
    let elements = try file.part(
      at: first, count: size, "array of \(shape.map(String.init).joined(separator: " x "))")
    guard first + elements.count == file.bytes.count else {
      throw file.failure(
        at: first + size,
        "\(grouped(file.bytes.count - first - size)) trailing bytes behind the last element")
    }
  }

  /// Number of elements.
  var count: Int { shape.reduce(1, *) }

  /// An error about one element: `PATH: byte 128: PROBLEM`.
  func failure(atElement index: Int, _ problem: String) -> DataError {
    file.failure(at: first + index * type.size, problem)
  }

  /// Writes `count` elements from `start` on as floats, times `scale`, to every `stride`-th float from
  /// `target` on. Cost: about 1 ns an element; allocates nothing.
  func copyFloats(
    from start: Int, count: Int, scale: Float = 1, to target: UnsafeMutablePointer<Float>,
    stride: Int = 1
  ) {
    func copy<Raw: FixedWidthInteger>(_ raw: Raw.Type, _ value: (Raw) -> Float) {
      forEach(raw, from: start, count: count) { target[$0 * stride] = value($1) * scale }
    }
    switch type {
    case .f2: copy(UInt16.self) { Float(Float16(bitPattern: $0)) }
    case .f4: copy(UInt32.self) { Float(bitPattern: $0) }
    case .f8: copy(UInt64.self) { Float(Double(bitPattern: $0)) }
    case .u1: copy(UInt8.self) { Float($0) }
    case .b1: copy(UInt8.self) { $0 == 0 ? 0 : 1 }
    case .u2: copy(UInt16.self) { Float($0) }
    case .u4: copy(UInt32.self) { Float($0) }
    case .i1: copy(Int8.self) { Float($0) }
    case .i2: copy(Int16.self) { Float($0) }
    case .i4: copy(Int32.self) { Float($0) }
    case .i8: copy(Int64.self) { Float($0) }
    }
  }

  /// The elements, which must be of an integer type.
  func wholeNumbers() -> [Int64] {
    var numbers: [Int64] = []
    numbers.reserveCapacity(count)
    func take<Raw: FixedWidthInteger>(_ raw: Raw.Type) {
      forEach(raw, from: 0, count: count) { numbers.append(Int64(truncatingIfNeeded: $1)) }
    }
    switch type {
    case .u1: take(UInt8.self)
    case .b1: forEach(UInt8.self, from: 0, count: count) { numbers.append($1 == 0 ? 0 : 1) }
    case .u2: take(UInt16.self)
    case .u4: take(UInt32.self)
    case .i1: take(Int8.self)
    case .i2: take(Int16.self)
    case .i4: take(Int32.self)
    case .i8: take(Int64.self)
    case .f2, .f4, .f8: preconditionFailure("elements are no whole numbers")
    }
    return numbers
  }

  /// Refuses elements that are no finite floats after scaling. Cost: a pass over arrays of floats;
  /// nothing for small integers.
  func requireFinite(scale: Float = 1) throws(DataError) {
    guard type.isFloat || abs(scale) > 1 else { return }
    var bad: Int?
    let piece = 4096
    withUnsafeTemporaryAllocation(of: Float.self, capacity: piece) { floats in
      for start in Swift.stride(from: 0, to: count, by: piece) where bad == nil {
        let size = min(piece, count - start)
        copyFloats(from: start, count: size, scale: scale, to: floats.baseAddress!)
        bad = floats.prefix(size).firstIndex { !$0.isFinite }.map { start + $0 }
      }
    }
    if let bad { throw failure(atElement: bad, "a value that is not a finite number") }
  }

  /// Calls `body` with the place, from 0, and the bits of each element in this machine's order.
  private func forEach<Raw: FixedWidthInteger>(
    _ raw: Raw.Type, from start: Int, count: Int, _ body: (Int, Raw) -> Void
  ) {
    precondition(start >= 0 && count >= 0 && start + count <= self.count, "outside of the array")
    let base = file.bytes.baseAddress! + first + start * MemoryLayout<Raw>.size
    for index in 0..<count {
      let bits = (base + index * MemoryLayout<Raw>.size).loadUnaligned(as: Raw.self)
      body(index, isSwapped ? bits.byteSwapped : bits)
    }
  }
}
