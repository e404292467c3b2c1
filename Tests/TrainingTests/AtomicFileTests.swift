import Foundation
import Testing

@testable import Training

#if canImport(Glibc)
  import Glibc
#endif

/// What stands at the target stays what it is, unless it is a plain file.
@Suite struct AtomicFileTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    "apus-atomic-\(UUID().uuidString)"
  ).path
  private let data = Data("new".utf8)

  private func path(_ name: String) -> String { folder + "/" + name }

  private func kind(_ name: String) -> mode_t {
    var status = stat()
    return lstat(path(name), &status) == 0 ? status.st_mode & S_IFMT : 0
  }

  private func within(_ body: () throws -> Void) throws {
    try FileManager.default.createDirectory(
      atPath: path("deep"), withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body()
    let left = try FileManager.default.subpathsOfDirectory(atPath: folder)
    #expect(!left.contains { $0.hasSuffix(".partial") })
  }

  @Test func aPlainFileIsReplaced() throws {
    try within {
      for _ in 0..<2 {
        try AtomicFile.write(data, to: path("file"))
        #expect(try AtomicFile.read(path("file")) == data && kind("file") == S_IFREG)
      }
    }
  }

  @Test func aLinkKeepsPointing() throws {
    try within {
      try AtomicFile.write(Data("old".utf8), to: path("deep/file"))
      try FileManager.default.createSymbolicLink(
        atPath: path("deep/first"), withDestinationPath: "file")
      try FileManager.default.createSymbolicLink(
        atPath: path("second"), withDestinationPath: "deep/first")
      try FileManager.default.createSymbolicLink(
        atPath: path("dangling"), withDestinationPath: path("deep/none"))
      try FileManager.default.createSymbolicLink(
        atPath: path("circle"), withDestinationPath: "circle")
      try AtomicFile.write(data, to: path("second"))
      try AtomicFile.write(data, to: path("dangling"))
      #expect(kind("second") == S_IFLNK && kind("deep/first") == S_IFLNK)
      #expect(kind("dangling") == S_IFLNK)
      #expect(try AtomicFile.read(path("deep/file")) == data && kind("deep/file") == S_IFREG)
      #expect(try AtomicFile.read(path("deep/none")) == data)
      #expect(throws: FileError.self) { try AtomicFile.write(data, to: path("circle")) }
    }
  }

  @Test func aFIFOIsWrittenInto() throws {
    try within {
      #expect(mkfifo(path("fifo"), 0o600) == 0)
      // An end to read from, so that nobody waits for one.
      let reader = open(path("fifo"), O_RDWR | O_NONBLOCK)
      defer { close(reader) }
      try AtomicFile.write(data, to: path("fifo"))
      var bytes = [UInt8](repeating: 0, count: 16)
      #expect(read(reader, &bytes, bytes.count) == data.count && Data(bytes.prefix(3)) == data)
      #expect(kind("fifo") == S_IFIFO)
    }
  }

  @Test func aFolderIsRefused() throws {
    try within {
      #expect {
        try AtomicFile.write(data, to: path("deep"))
      } throws: {
        "\($0)" == "cannot write \(path("deep")): Is a directory"
      }
    }
  }
}
