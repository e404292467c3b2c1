// IDX, the format of MNIST and its kin (LeCun, Cortes, Burges: The MNIST database, 1998): two zero
// bytes, the type of the entries (0x08: unsigned byte), the number of dimensions, each extent as a
// 32-bit big-endian number, then the entries, outermost dimension first. Plain files are mapped;
// `.gz` files are inflated once.

import Basics

/// One IDX file of unsigned bytes.
final class IDXFile {
  /// What a file is expected to hold.
  enum Content: String {
    case images, labels

    /// Dimensions: samples, height, width; or samples.
    var rank: Int { self == .images ? 3 : 1 }
    var magic: UInt32 { 0x0800 | UInt32(rank) }
  }

  /// Where it was read from.
  let path: String
  /// Extents, outermost first; all positive.
  let dimensions: [Int]
  /// The entries.
  var entries: UnsafePointer<UInt8> {
    (store.bytes.baseAddress! + offset).assumingMemoryBound(to: UInt8.self)
  }
  private let store: ByteStore
  private let offset: Int

  /// Opens `path` and checks that it holds `content`, no byte less and none more.
  init(path: String, content: Content) throws(DataError) {
    self.path = path
    let header = 4 + 4 * content.rank
    if path.hasSuffix(".gz") {
      let reader = try InflateReader(gzip: path)
      let head = try Self.take(header, from: reader, path)
      dimensions = try Self.dimensions(head.bytes, content, path)
      let needed = try Self.size(dimensions, path)
      guard header + needed <= reader.bound else {
        throw DataError(
          path: path,
          problem: "truncated: the file is too short to hold the \(grouped(needed)) bytes "
            + "that its header announces")
      }
      store = try Self.take(needed, from: reader, path)
      offset = 0
      guard try reader.isExhausted() else {
        throw DataError(path: path, problem: "trailing bytes behind the last entry")
      }
    } else {
      store = try ByteStore(mapping: path)
      offset = header
      dimensions = try Self.dimensions(store.bytes, content, path)
      let needed = header + (try Self.size(dimensions, path))
      let there = store.bytes.count
      guard there >= needed else { throw Self.truncated(path, there, needed) }
      guard there == needed else {
        throw DataError(
          path: path,
          problem: "\(grouped(there - needed)) trailing bytes behind the last entry")
      }
    }
  }

  private static func dimensions(
    _ bytes: UnsafeRawBufferPointer, _ content: Content, _ path: String
  ) throws(DataError) -> [Int] {
    let header = 4 + 4 * content.rank
    guard bytes.count >= 4 else { throw truncated(path, bytes.count, header) }
    let magic = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
    guard magic == content.magic else {
      let found =
        switch magic {
        case Content.images.magic: " (images)"
        case Content.labels.magic: " (labels)"
        case let other where other >> 16 == 0x1F8B: " (a gzip file; its name must end in .gz)"
        default: ""
        }
      throw DataError(
        path: path,
        problem: "magic number \(hex(magic))\(found) where \(hex(content.magic)) "
          + "(\(content.rawValue) of unsigned bytes) is needed")
    }
    guard bytes.count >= header else { throw truncated(path, bytes.count, header) }
    return (1...content.rank).map {
      Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
    }
  }

  private static func size(_ dimensions: [Int], _ path: String) throws(DataError) -> Int {
    var product = 1
    for extent in dimensions {
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard extent > 0, !overflow, next < 1 << 48 else {
        let text = dimensions.map(String.init).joined(separator: " x ")
        throw DataError(path: path, problem: "impossible dimensions \(text)")
      }
      product = next
    }
    return product
  }

  private static func take(
    _ count: Int, from reader: InflateReader, _ path: String
  ) throws(DataError) -> ByteStore {
    try ByteStore(count: count) { block throws(DataError) in
      let got = try reader.read(into: block)
      guard got == count else { throw truncated(path, got, count) }
    }
  }

  private static func truncated(_ path: String, _ there: Int, _ needed: Int) -> DataError {
    DataError(
      path: path,
      problem: "truncated: \(grouped(there)) bytes where \(grouped(needed)) are needed")
  }

  private static func hex(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
  }
}
