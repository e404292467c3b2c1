import Basics
import Testing

@testable import Datasets

@Suite struct ZipArchiveTests {
  private static let members = [
    ("a.npy", Array("some text, some text, some text".utf8)), ("b", []), ("ü", [1, 2, 3]),
  ]

  private func contents(_ bytes: [UInt8]) throws -> [String: [UInt8]] {
    let folder = try TemporaryFolder()
    let archive = try ZipArchive(path: folder.write("z", bytes))
    var found: [String: [UInt8]] = [:]
    for member in archive.members {
      let contents = try archive.contents(of: member)
      found[member.name] = withExtendedLifetime(contents) { Array(contents.bytes) }
    }
    return found
  }

  @Test(arguments: [false, true], [false, true])
  func membersAreFound(deflated: Bool, wide: Bool) throws {
    let bytes = try zip(Self.members, deflated: deflated, wide: wide)
    #expect(try contents(bytes) == Dictionary(uniqueKeysWithValues: Self.members))
  }

  /// NumPy appends `.npy` to names, other writers do not.
  @Test(arguments: ["", ".npy"]) func arraysAreFound(ending: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      "z",
      zip([
        ("x" + ending, npy("|u1", [2, 1], [1, 2])), ("y" + ending, npy("|u1", [2], [1, 0])),
      ]))
    #expect(try openDataset("npz:" + path, settings: ["heldout": "0.5"]).training.count == 1)
  }

  @Test func wrongArchivesAreNamed() throws {
    func message(_ change: (inout [UInt8]) throws -> Void) throws -> String {
      let folder = try TemporaryFolder()
      var bytes = try zip([("x.npy", npy("|u1", [2, 1], [1, 2]))])
      try change(&bytes)
      try folder.write("z", bytes)
      return try problem("npz:" + folder.path + "/z", in: folder)
    }
    let only = try message { _ in }
    #expect(
      only == "F/z: holds x.npy where x_train, y_train, x_test, y_test or x, y are needed")
    #expect(try message { $0 = [] } == "F/z: no zip archive: it has no end record")
    #expect(
      try message { $0 = Array("no archive at all, but long enough for one".utf8) }
        == "F/z: no zip archive: it has no end record")
    #expect(
      try message { $0.removeFirst(20) }.hasSuffix("no entry of the directory here"))

    func pair(_ change: (inout [UInt8]) throws -> Void, deflated: Bool = false) throws -> String {
      let folder = try TemporaryFolder()
      var bytes = try zip(
        [("x.npy", npy("|u1", [2, 1], [1, 2])), ("y.npy", npy("|u1", [2], [1, 0]))],
        deflated: deflated)
      try change(&bytes)
      try folder.write("z", bytes)
      return try problem("npz:" + folder.path + "/z", ["heldout": "0.5"], in: folder)
    }
    // Members begin with a header of 30 bytes and their name.
    #expect(try pair { $0[0] = 0 } == "F/z: byte 0: no member begins here, against the directory")
    #expect(
      try pair { $0[35 + 129] ^= 1 }
        == "F/z: x.npy: the checksum does not match: the file is damaged")
    #expect(
      try pair({ $0[35] = 0xFF }, deflated: true)
        == "F/z: x.npy: corrupt deflate stream: invalid block type")
    // The directory begins behind both members.
    let start = 2 * (35 + 130)
    #expect(
      try pair { $0[start + 10] = 12 }
        == "F/z: x.npy: compression method 12; stored and deflated members are read")
    #expect(try pair { $0[start + 8] = 1 } == "F/z: byte \(start): encrypted")
    #expect(
      try pair { $0[start + 24] = 9 } == "F/z: byte 0: a stored member of two sizes")
    #expect(
      try pair { $0[start + 43] = 9 }
        == "F/z: byte \(start): the place of a member is beyond the end")
    #expect(
      try pair { $0[start + 21] = 9 }.hasPrefix("F/z: truncated: "))
  }

  @Test func sizesThatCannotBeAreRefusedBeforeMemoryIsTaken() throws {
    let folder = try TemporaryFolder()
    var bytes = try zip([("x.npy", [1, 2, 3]), ("y.npy", [1])], deflated: true)
    let directory = try #require(
      bytes.indices.dropLast(4).first { bytes[$0...].starts(with: [0x50, 0x4B, 1, 2]) })
    bytes.replaceSubrange(directory + 24..<directory + 28, with: [0, 0, 0, 0x7F])
    try folder.write("z", bytes)
    #expect(
      try problem("npz:" + folder.path + "/z", in: folder)
        == "F/z: x.npy: 5 bytes cannot inflate to 2,130,706,432")
    bytes.replaceSubrange(directory + 24..<directory + 28, with: [4, 0, 0, 0])
    try folder.write("z", bytes)
    #expect(
      try problem("npz:" + folder.path + "/z", in: folder)
        == "F/z: x.npy: not of the size that the directory tells")
  }

  @Test(arguments: [false, true], [false, true])
  func anyDamageIsRefusedOrRead(deflated: Bool, wide: Bool) throws {
    let good = try zip(
      [
        ("x.npy", npy("<f4", [4, 2], bytes((0..<8).map(Float.init)))),
        ("y.npy", npy("|u1", [4], [0, 1, 2, 1])),
      ], deflated: deflated, wide: wide)
    try damage(
      good, name: "z",
      pieces: [
        [0xFF, 0xFF, 0xFF, 0xFF], [0x50, 0x4B], [0, 0, 0, 0], [0x7F], Array("x.npy".utf8),
      ],
      trials: 150, settings: ["heldout": "0.5"]
    ) { "npz:" + $0 }
  }
}
