import Testing

@testable import Datasets

/// Every malformed file is refused with one line that says what is wrong with which file.
@Suite struct MalformedIDXTests {
  private let images = SmallSet.names[0], labels = SmallSet.names[1]

  /// Breaks a good set with `change`, opens it, and returns the error's text without the folder.
  private func problem(
    compressed: Bool = false, _ change: (TemporaryFolder) throws -> Void
  ) throws -> String {
    let folder = try TemporaryFolder()
    try SmallSet().write(to: folder) { compressed ? $0 + ".gz" : $0 }
    try change(folder)
    let error = try #require(throws: DataError.self) { try IDXFolder.open(folder.path) }
    #expect(!error.description.contains("\n"))
    return error.description.replacing(folder.path, with: "F")
  }

  private var good: [UInt8] { SmallSet().files[images]! }

  @Test func missingFilesAndFoldersAreNamed() throws {
    let gone = #expect(throws: DataError.self) { try IDXFolder.open("/nowhere/at/all") }
    #expect(gone?.description == "/nowhere/at/all: no such folder")
    #expect(gone?.isInputOutput == false)
    let folder = try TemporaryFolder()
    let error = #expect(throws: DataError.self) { try IDXFolder.open(folder.path) }
    #expect(
      error?.problem == "holds no train-images-idx3-ubyte and no train-images-idx3-ubyte.gz")
    #expect(error?.isInputOutput == false)
    #expect(
      #expect(throws: DataError.self) { try IDXFile(path: folder.path, content: .images) }?.problem
        == "not a file")
  }

  @Test func truncatedFilesSayHowFar() throws {
    #expect(
      try problem { try $0.write(images, Array(good.dropLast(5))) }
        == "F/\(images): truncated: 53 bytes where 58 are needed")
    #expect(
      try problem { try $0.write(images, Array(good.prefix(9))) }
        == "F/\(images): truncated: 9 bytes where 16 are needed")
    for size in [0, 3] {
      #expect(
        try problem { try $0.write(images, Array(good.prefix(size))) }
          == "F/\(images): truncated: \(size) bytes where 16 are needed")
    }
    #expect(
      try problem { try $0.write(images, idx([60_000, 28, 28], [1, 2, 3])) }
        == "F/\(images): truncated: 19 bytes where 47,040,016 are needed")
  }

  @Test func trailingBytesAreRefused() throws {
    #expect(
      try problem { try $0.write(images, good + [0, 0]) }
        == "F/\(images): 2 trailing bytes behind the last entry")
    #expect(
      try problem(compressed: true) { try $0.write(images + ".gz", gzip(good + [0])) }
        == "F/\(images).gz: trailing bytes behind the last entry")
  }

  @Test func mislabelledFilesAreRecognised() throws {
    let needed = "where 0x00000803 (images of unsigned bytes) is needed"
    #expect(
      try problem { try $0.write(images, SmallSet().files[labels]!) }
        == "F/\(images): magic number 0x00000801 (labels) \(needed)")
    #expect(
      try problem { try $0.write(labels, good) }
        == "F/\(labels): magic number 0x00000803 (images) where 0x00000801 "
        + "(labels of unsigned bytes) is needed")
    #expect(
      try problem { try $0.write(images, [0, 0, 0x0D, 3] + good.dropFirst(4)) }
        == "F/\(images): magic number 0x00000d03 \(needed)")
    #expect(
      try problem { try $0.write(images, gzip(good)) }.contains("(a gzip file; its name must end"))
    #expect(
      try problem(compressed: true) { try $0.write(images + ".gz", good) }
        == "F/\(images).gz: corrupt gzip stream: incorrect header check")
  }

  @Test func impossibleDimensionsAreRefusedBeforeMemoryIsTaken() throws {
    #expect(
      try problem { try $0.write(images, idx([7, 0, 3], [])) }
        == "F/\(images): impossible dimensions 7 x 0 x 3")
    let huge = 0xFFFF_FFFF
    #expect(
      try problem { try $0.write(images, idx([huge, huge, huge], [])) }
        == "F/\(images): impossible dimensions 4294967295 x 4294967295 x 4294967295")
    #expect(
      try problem(compressed: true) {
        try $0.write(images + ".gz", gzip(idx([100_000, 1000, 1000], [1])))
      }.contains("too short to hold the 100,000,000,000 bytes that its header announces"))
  }

  @Test func halvesAndPairsMustAgree() throws {
    #expect(
      try problem { try $0.write(labels, idx([6], [0, 1, 2, 0, 1, 2])) }
        == "F/\(labels): 6 labels for 7 images")
    let other = SmallSet.names[2]
    #expect(
      try problem { try $0.write(other, idx([4, 3, 2], [UInt8](repeating: 0, count: 24))) }
        == "F/\(other): images of 3x2x1 where the training images are 2x3x1")
  }

  @Test func damagedGzipFilesAreRefused() throws {
    let packed = try gzip(good), name = images + ".gz"
    for size in 0..<packed.count {
      let text = try problem(compressed: true) { try $0.write(name, Array(packed.prefix(size))) }
      #expect(text.contains("truncated"), "\(size): \(text)")
    }
    // A flipped bit is found, or was one of the padding behind the last symbol.
    let folder = try TemporaryFolder()
    for place in 10..<packed.count {
      var damaged = packed
      damaged[place] ^= 4
      let path = try folder.write(name, damaged)
      guard let file = try? IDXFile(path: path, content: .images) else { continue }
      let entries = UnsafeBufferPointer(start: file.entries, count: 42)
      #expect(Array(entries) == Array(good.dropFirst(16)), "bit of byte \(place)")
    }
    var damaged = packed
    damaged[packed.count - 6] ^= 1
    #expect(
      try problem(compressed: true) { try $0.write(name, damaged) }
        == "F/\(name): corrupt gzip stream: incorrect data check")
    #expect(
      try problem(compressed: true) { try $0.write(name, packed + [1, 2, 3]) }
        .contains("corrupt gzip stream"))
  }

  @Test func gzipMembersAreReadOneBehindTheOther() throws {
    let folder = try TemporaryFolder()
    try SmallSet().write(to: folder) { $0 + ".gz" }
    try folder.write(
      images + ".gz", gzip(Array(good.prefix(20))) + gzip(Array(good.dropFirst(20))))
    #expect(try IDXFolder.open(folder.path).training.count == 7)
  }
}
