import Basics
import Foundation
import Testing

@testable import Datasets

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct SparseMatrixFileTests {
  private static let text = "1 1:0.5 3:2\n2\n1 2:7\n"

  private func rows(_ file: SparseMatrixFile) -> [[String]] {
    (0..<file.rows).map { row in
      let entries = file.row(row)
      return ["\(file.labels[row])"]
        + (0..<entries.count).map { "\(entries.indices[$0]):\(entries.values[$0])" }
    }
  }
  private static let rows = [["1.0", "0:0.5", "2:2.0"], ["2.0"], ["1.0", "1:7.0"]]

  /// The number by which the system knows the index file: another after it was replaced.
  private func identity(_ path: String) -> UInt64? {
    var status = stat()
    return stat(SparseMatrixFile.indexPath(of: path), &status) == 0 ? UInt64(status.st_ino) : nil
  }

  private func change(_ path: String, _ text: String, seconds: Int) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: Double(seconds))], ofItemAtPath: path)
  }

  @Test func theIndexIsMadeOnceAndUsedAgain() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("data", Self.text)
    let first = try SparseMatrixFile.open(path)
    #expect(rows(first) == Self.rows)
    #expect(first.base == 1 && first.ownBase == 1 && first.features == 3 && first.entries == 3)
    let made = try #require(identity(path))
    #expect(rows(try SparseMatrixFile.open(path)) == Self.rows)
    #expect(identity(path) == made)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        == ["data", "data.apus-index"])
  }

  @Test func aChangedSourceIsParsedAnew() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("data", "")
    try change(path, Self.text, seconds: 1000)
    #expect(rows(try SparseMatrixFile.open(path)) == Self.rows)
    // Of the same length, a second later; then of another length, at the same time.
    try change(path, Self.text.replacing("7", with: "8"), seconds: 1001)
    #expect(rows(try SparseMatrixFile.open(path)).last == ["1.0", "1:8.0"])
    try change(path, Self.text + "5\n", seconds: 1001)
    #expect(rows(try SparseMatrixFile.open(path)).last == ["5.0"])
  }

  /// Whatever happens to the index, the text is what counts.
  @Test func aDamagedIndexIsMadeAnew() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("data", Self.text)
    _ = try SparseMatrixFile.open(path)
    let index = SparseMatrixFile.indexPath(of: path)
    let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: index)))
    for place in stride(from: 0, to: good.count, by: 3) {
      var bytes = good
      bytes[place] ^= 0x10
      try Data(bytes).write(to: URL(fileURLWithPath: index))
      #expect(rows(try SparseMatrixFile.open(path)) == Self.rows)
    }
    for count in [0, 1, 127, 128, good.count - 1] {
      try Data(good.prefix(count)).write(to: URL(fileURLWithPath: index))
      #expect(rows(try SparseMatrixFile.open(path)) == Self.rows)
      #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: index))) == good)
    }
  }

  /// A checksum can be right for numbers that are not.
  @Test func numbersThatWouldReadElsewhereAreRefused() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("data", Self.text)
    _ = try SparseMatrixFile.open(path)
    let index = SparseMatrixFile.indexPath(of: path)
    let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: index)))
    // Row starts, an index, the number of rows, of entries, of features.
    for place in [128, 136, 128 + 32 + 12, 40, 48, 56, 64, 72] {
      for byte: UInt8 in [2, 9, 255] where good[place] != byte {
        var bytes = good
        bytes[place] = byte
        let sum = bytes.withUnsafeBytes { SparseMatrixFile.sum($0) }
        withUnsafeBytes(of: sum) { bytes.replaceSubrange(16..<24, with: $0) }
        try Data(bytes).write(to: URL(fileURLWithPath: index))
        let file = try SparseMatrixFile.open(path)
        for row in 0..<file.rows {
          let entries = file.row(row)
          for entry in 0..<entries.count { #expect(entries.indices[entry] < file.features) }
        }
      }
    }
  }

  @Test func withoutAPlaceForItTheIndexStaysInMemory() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("data", Self.text)
    // A folder stands in the way: this works for the superuser too, who may write anywhere.
    let index = SparseMatrixFile.indexPath(of: path)
    try FileManager.default.createDirectory(atPath: index, withIntermediateDirectories: true)
    #expect(rows(try SparseMatrixFile.open(path)) == Self.rows)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        == ["data", "data.apus-index"])
  }

  @Test func ranksThatMakeItTogetherDoNotMeet() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("data", Self.text)
    await withTaskGroup(of: [[String]].self) { group in
      for _ in 0..<16 {
        group.addTask { (try? SparseMatrixFile.open(path)).map { rows($0) } ?? [] }
      }
      for await found in group { #expect(found == Self.rows) }
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        == ["data", "data.apus-index"])
  }
}
