// The members of a zip archive (PKWARE: APPNOTE.TXT 6.3.10), as far as NumPy writes them: stored or
// deflated, also with the 64-bit sizes of large files. The directory at the archive's end says where
// members are. Stored ones are read where they lie, others are inflated into memory.

import Basics
import CZlib

/// An opened archive.
struct ZipArchive {
  /// One member.
  struct Member {
    let name: String
    fileprivate let method, checksum, compressedSize, size, header: Int
  }

  /// In the order of the directory.
  let members: [Member]
  private let file: BinaryFile

  private static let endSignature = 0x0605_4B50, end64Signature = 0x0606_4B50
  private static let locatorSignature = 0x0706_4B50
  private static let entrySignature = 0x0201_4B50, headerSignature = 0x0403_4B50
  /// A field of 32 bits that says: look for 64 bits elsewhere.
  private static let elsewhere = 0xFFFF_FFFF

  /// Reads the directory of the archive at `path`.
  init(path: String) throws(DataError) {
    file = try BinaryFile(path: path)
    let (directory, count) = try Self.directory(of: file)
    var members: [Member] = []
    var at = directory
    for _ in 0..<count {
      let (member, next) = try Self.member(of: file, at: at)
      members.append(member)
      at = next
    }
    self.members = members
  }

  /// The bytes of a member, their checksum found to be right.
  func contents(of member: Member) throws(DataError) -> BinaryFile {
    let header = member.header
    guard try file.number(UInt32.self, at: header, "header of a member") == Self.headerSignature
    else { throw file.failure(at: header, "no member begins here, against the directory") }
    let start =
      header + 30 + (try file.number(UInt16.self, at: header + 26, "length of a name"))
      + (try file.number(UInt16.self, at: header + 28, "length of an extra field"))
    let packed = try file.part(at: start, count: member.compressedSize, "member '\(member.name)'")
    let path = "\(file.path): \(member.name)"
    let contents: BinaryFile
    switch member.method {
    case 0:
      guard member.size == member.compressedSize else {
        throw file.failure(at: header, "a stored member of two sizes")
      }
      contents = BinaryFile(path: path, bytes: packed, owner: file.owner)
    case 8:
      let reader = try InflateReader(packed, of: file.owner, path: path, .deflate)
      guard member.size <= reader.bound else {
        throw DataError(
          path: path,
          problem: "\(grouped(packed.count)) bytes cannot inflate to \(grouped(member.size))")
      }
      let store = try ByteStore(count: member.size) { block throws(DataError) in
        guard try reader.read(into: block) == member.size, try reader.isExhausted() else {
          throw DataError(path: path, problem: "not of the size that the directory tells")
        }
      }
      contents = BinaryFile(path: path, bytes: store.bytes, owner: store)
    case let method:
      throw DataError(
        path: path, problem: "compression method \(method); stored and deflated members are read")
    }
    let found = crc32_z(
      0, contents.bytes.bindMemory(to: Bytef.self).baseAddress, contents.bytes.count)
    guard Int(found) == member.checksum else {
      throw DataError(path: path, problem: "the checksum does not match: the file is damaged")
    }
    return contents
  }

  /// Where the directory begins, and how many members it has.
  private static func directory(
    of file: BinaryFile
  ) throws(DataError) -> (start: Int, count: Int) {
    // The end record is the last thing in the file but for a comment of at most 65,535 bytes.
    var end = file.bytes.count - 22
    let lowest = max(0, end - 0xFFFF)
    while end >= lowest,
      try file.number(UInt32.self, at: end, "end record") != endSignature
    {
      end -= 1
    }
    guard end >= lowest else {
      throw DataError(path: file.path, problem: "no zip archive: it has no end record")
    }
    let count = try file.number(UInt16.self, at: end + 10, "number of members")
    let start = try file.number(UInt32.self, at: end + 16, "place of the directory")
    guard start == elsewhere || count == 0xFFFF else { return (start, count) }
    guard end >= 20,
      try file.number(UInt32.self, at: end - 20, "locator") == locatorSignature
    else { return (start, count) }
    let record = try file.place(UInt64.self, at: end - 12, "place of the end record")
    guard try file.number(UInt32.self, at: record, "end record") == end64Signature else {
      throw file.failure(at: record, "no end record of 64 bits here")
    }
    // Counted in bytes, so that no number of members is believed that cannot be there.
    let wide = try file.number(UInt64.self, at: record + 32, "number of members")
    return (
      try file.place(UInt64.self, at: record + 48, "place of the directory"),
      min(wide, file.bytes.count / 46 + 1)
    )
  }

  /// The directory's entry at `at`, and where the next one begins.
  private static func member(
    of file: BinaryFile, at: Int
  ) throws(DataError) -> (member: Member, next: Int) {
    func short(_ offset: Int, _ what: String) throws(DataError) -> Int {
      try file.number(UInt16.self, at: at + offset, what)
    }
    func long(_ offset: Int, _ what: String) throws(DataError) -> Int {
      try file.number(UInt32.self, at: at + offset, what)
    }
    guard try long(0, "directory") == entrySignature else {
      throw file.failure(at: at, "no entry of the directory here")
    }
    guard try short(8, "flags") & 1 == 0 else { throw file.failure(at: at, "encrypted") }
    let nameLength = try short(28, "length of a name")
    let extraLength = try short(30, "length of an extra field")
    let name = try file.part(at: at + 46, count: nameLength, "name of a member")
    var sizes = [
      try long(24, "size"), try long(20, "compressed size"), try long(42, "place of a member"),
    ]
    // Extra field 1 holds, in this order, those that have no room in 32 bits.
    var extra = at + 46 + nameLength
    let extraEnd = extra + extraLength
    while extra + 4 <= extraEnd {
      let length = try file.number(UInt16.self, at: extra + 2, "extra field")
      if try file.number(UInt16.self, at: extra, "extra field") == 1 {
        var place = extra + 4
        for index in sizes.indices where sizes[index] == elsewhere {
          guard place + 8 <= extra + 4 + length else { break }
          sizes[index] = try file.number(UInt64.self, at: place, "size of 64 bits")
          place += 8
        }
      }
      extra += 4 + length
    }
    guard sizes[2] <= file.bytes.count else {
      throw file.failure(at: at, "the place of a member is beyond the end")
    }
    let member = Member(
      name: printable(name, most: 64), method: try short(10, "method"),
      checksum: try long(16, "checksum"), compressedSize: sizes[1], size: sizes[0],
      header: sizes[2])
    return (member, extraEnd + (try short(32, "length of a comment")))
  }
}
