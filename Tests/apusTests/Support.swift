// Runs the program as a user would, alone or under mpirun, and collects what it leaves.

import Foundation
import Testing
import Training

/// What a finished program left.
struct Finished {
  let code: Int32
  let output, error: String
  let seconds: Double

  /// Lines of standard error that the program itself wrote (mpirun adds words of its own).
  var complaints: [String] {
    error.split(separator: "\n").map(String.init).filter { $0.hasPrefix("apus: ") }
  }
}

/// The program under test, in a folder of its own that goes away.
final class Program: Sendable {
  let folder: String

  /// The executable that was built beside this test bundle.
  static let path: String = {
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? Bundle.main.bundlePath
    var place = URL(fileURLWithPath: bundle)
    for _ in 0..<6 {
      let candidate = place.appendingPathComponent("apus").path
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder),
        !isFolder.boolValue
      {
        return candidate
      }
      place.deleteLastPathComponent()
    }
    return "apus"
  }()

  init() throws {
    folder =
      FileManager.default.temporaryDirectory.appendingPathComponent(
        "apus-program-\(UUID().uuidString)"
      ).path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// The path of something in the program's folder.
  func callAsFunction(_ name: String) -> String { folder + "/" + name }

  /// Whether mpirun can be had.
  static let hasMPI = FileManager.default.isExecutableFile(atPath: "/usr/bin/mpirun")

  /// Starts `apus ARGUMENTS` on so many ranks (nil: without mpirun) in the folder.
  func start(_ arguments: [String], ranks: Int? = nil, shell: String? = nil) throws -> Running {
    let process = Process()
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    var environment = ProcessInfo.processInfo.environment
    // This process may itself be a rank; its children must not take themselves for it.
    for key in environment.keys
    where ["OMPI_", "PMIX_", "PMI_", "ORTE_", "OPAL_"].contains(where: key.hasPrefix) {
      environment[key] = nil
    }
    environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
    environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    process.environment = environment
    var command = [Self.path] + arguments
    if let ranks {
      command =
        [
          "mpirun", "-q", "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle",
          "1", "-np", String(ranks),
        ] + command
    }
    if let shell { command = ["sh", "-c", shell + " exec \"$@\"", "sh"] + command }
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["timeout", "-k", "2", "120"] + command
    return try Running(process)
  }

  /// Runs to the end.
  func run(_ arguments: [String], ranks: Int? = nil, shell: String? = nil) throws -> Finished {
    try start(arguments, ranks: ranks, shell: shell).wait()
  }

  /// A run's log.
  func log(_ run: String) -> [LogLine] {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let text = (try? String(contentsOfFile: self("\(run)/log.jsonl"), encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap {
      try? decoder.decode(LogLine.self, from: Data($0.utf8))
    }
  }

  /// The files of a run's checkpoints, oldest first.
  func checkpoints(_ run: String) -> [String] { CheckpointFolder(run: self(run)).files }

  /// The bytes of the newest checkpoint.
  func newest(_ run: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: #require(checkpoints(run).last)))
  }

  /// Files that nobody finished writing.
  func partialFiles() -> [String] {
    let all = FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? []
    return all.filter { $0.hasSuffix(".partial") }
  }
}

/// A program that has been started.
final class Running {
  private let process: Process
  private let output = Pipe(), error = Pipe()
  private let began = Date()
  private let readers = DispatchGroup()
  private let texts = Texts()

  /// What the two readers collect.
  private final class Texts: @unchecked Sendable {
    var output = Data(), error = Data()
  }

  init(_ process: Process) throws {
    self.process = process
    process.standardOutput = output
    process.standardError = error
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let (texts, output, error) = (texts, output.fileHandleForReading, error.fileHandleForReading)
    DispatchQueue.global().async(group: readers) { texts.output = output.readDataToEndOfFile() }
    DispatchQueue.global().async(group: readers) { texts.error = error.readDataToEndOfFile() }
  }

  /// Process numbers of `apus` below the started command, lowest rank first as far as known.
  func ranks() -> [Int32] {
    var found: [Int32] = []
    var parents: Set<Int32> = [process.processIdentifier]
    for _ in 0..<6 {
      var children: Set<Int32> = []
      for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
        guard let number = Int32(entry),
          let stat = try? String(contentsOfFile: "/proc/\(entry)/stat", encoding: .utf8),
          let close = stat.lastIndex(of: ")")
        else { continue }
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        guard fields.count > 1, let parent = Int32(fields[1]), parents.contains(parent) else {
          continue
        }
        children.insert(number)
        if stat.contains("(apus)") { found.append(number) }
      }
      if children.isEmpty { break }
      parents = children
    }
    return found.sorted()
  }

  /// Waits until `condition` holds or the program has ended; whether it holds.
  func wait(until condition: () -> Bool) -> Bool {
    while process.isRunning {
      if condition() { return true }
      Thread.sleep(forTimeInterval: 0.005)
    }
    return condition()
  }

  /// Waits for the end.
  func wait() -> Finished {
    process.waitUntilExit()
    readers.wait()
    return Finished(
      code: process.terminationStatus, output: String(decoding: texts.output, as: UTF8.self),
      error: String(decoding: texts.error, as: UTF8.self), seconds: Date().timeIntervalSince(began))
  }
}
