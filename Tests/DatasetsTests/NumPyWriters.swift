// Small array files and archives, as NumPy writes them.

import CZlib

/// An array file: header and elements.
func npy(
  _ type: String, _ shape: [Int], _ elements: [UInt8], order: String = "False", version: UInt8 = 1
) -> [UInt8] {
  let extents = shape.map { "\($0), " }.joined()
  return npy(
    header: "{'descr': '\(type)', 'fortran_order': \(order), 'shape': (\(extents)), }",
    elements, version: version)
}

/// An array file of any header.
func npy(header: String, _ elements: [UInt8], version: UInt8 = 1) -> [UInt8] {
  let start = version == 1 ? 10 : 12
  var text = Array(header.utf8)
  text += [UInt8](repeating: 32, count: 63 - (start + text.count) % 64) + [10]
  let length = (0..<start - 8).map { UInt8(text.count >> (8 * $0) & 255) }
  return [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, version, 0] + length + text + elements
}

/// The bytes of numbers, lowest first or last.
func bytes<Value: BitwiseCopyable>(_ values: [Value], swapped: Bool = false) -> [UInt8] {
  values.flatMap { value in
    withUnsafeBytes(of: value) { swapped ? Array($0.reversed()) : Array($0) }
  }
}

/// A zip archive of members, stored or deflated, with sizes of 32 or 64 bits.
func zip(
  _ members: [(name: String, contents: [UInt8])], deflated: Bool = false, wide: Bool = false
) throws -> [UInt8] {
  func field(_ value: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(value >> (8 * $0) & 255) }
  }
  var archive: [UInt8] = [], directory: [UInt8] = []
  for (name, contents) in members {
    // Between gzip's header and its checksum lies the bare stream.
    let packed = deflated ? Array(try gzip(contents)[10...].dropLast(8)) : contents
    let sum = Int(crc32(0, contents, UInt32(contents.count)))
    let place = archive.count
    let sizes =
      wide ? field(0xFFFF_FFFF, 4) * 2 : field(packed.count, 4) + field(contents.count, 4)
    let common =
      field(deflated ? 8 : 0, 2) + field(0, 4) + field(sum, 4) + sizes + field(name.utf8.count, 2)
    let extra =
      wide
      ? field(1, 2) + field(24, 2) + field(contents.count, 8) + field(packed.count, 8)
        + field(place, 8) : []
    archive +=
      field(0x0403_4B50, 4) + field(20, 2) + field(0, 2) + common + field(0, 2) + Array(name.utf8)
      + packed
    directory +=
      field(0x0201_4B50, 4) + field(20, 2) + field(20, 2) + field(0, 2) + common
      + field(extra.count, 2) + field(0, 2) + field(0, 8)
      + field(wide ? 0xFFFF_FFFF : place, 4) + Array(name.utf8) + extra
  }
  let start = archive.count, count = members.count
  archive += directory
  if wide {
    let record = archive.count
    archive +=
      field(0x0606_4B50, 4) + field(44, 8) + field(0, 4) + field(0, 8) + field(count, 8)
      + field(count, 8) + field(directory.count, 8) + field(start, 8)
    archive += field(0x0706_4B50, 4) + field(0, 4) + field(record, 8) + field(1, 4)
  }
  return archive + field(0x0605_4B50, 4) + field(0, 4) + field(count, 2) * 2
    + field(directory.count, 4) + field(wide ? 0xFFFF_FFFF : start, 4) + field(3, 2)
    + Array("end".utf8)
}

private func * (bytes: [UInt8], count: Int) -> [UInt8] { (0..<count).flatMap { _ in bytes } }
