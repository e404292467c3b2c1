// Ranks that leave early, played on real MPI by processes that the tests below start: this bundle
// under mpirun, with the scene's name in the environment.

import Foundation
import Messaging
import Testing

@testable import MPIMessaging

/// How scenes are started and found.
private enum Stage {
  static let variable = "APUS_EARLY_LEAVING"
  static let scene = ProcessInfo.processInfo.environment[variable]
  static let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") }
  static let mpirun = "/usr/bin/mpirun"
  /// Ranks of a conformance run need not all play; and only Open MPI's options are known here.
  static let isFree =
    bundle != nil && FileManager.default.isExecutableFile(atPath: mpirun)
    && MPIWorld.libraryVersion.hasPrefix("Open MPI")
    && ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_SIZE"] == nil
}

@MainActor @Suite(.serialized, .enabled(if: Stage.scene != nil)) struct EarlyLeavingScene {
  @Test func play() throws {
    let watchdog = Watchdog("scene \(Stage.scene ?? "") hangs", seconds: 50)
    defer { watchdog.stop() }
    Vigil.patience = 100_000_000
    let world = try MPIWorld.start()
    do {
      switch Stage.scene {
      case "everyWait": try everyWait(world)
      case "uncaught": try uncaught(world)
      default: try differentEnds(world)
      }
      exit(0)
    } catch {
      say("\(error)")
      world.abort(code: 70)
    }
  }

  /// Rank 3 leaves; everybody else waits for it, each in another way, and tells what it hears.
  private func everyWait(_ world: MPICommunicator) throws {
    let rank = world.rank
    let trio = try world.split(color: rank >= 3 && rank <= 5 ? 1 : nil, key: -rank)
    let pair = try world.split(color: rank == 3 || rank == 6 ? 1 : nil, key: -rank)
    let segment = try pair?.sharedSegment(count: 1)
    let memory = Memory(pattern(1 << 22, rank))
    try trio?.barrier()
    try world.barrier()
    do {
      switch rank {
      case 0:
        let request = try world.startReceive(into: memory.bytes, from: 3, tag: 1)
        while try world.test(request) == nil {}
      case 1: try world.send(UnsafeRawBufferPointer(memory.bytes), to: 3, tag: 2)
      case 2: try world.receive(into: memory.bytes, from: nil, tag: 3)
      case 3: return
      case 4, 5: _ = try trio?.allReduce(1, .sum)
      default: try segment?.fence()
      }
      say("rank \(rank) heard nothing")
    } catch { say("\(error)") }
  }

  private func uncaught(_ world: MPICommunicator) throws {
    try world.barrier()
    if world.rank != 1 { try world.barrier() }
  }

  /// All is well, though ranks end, and come to collective calls, at very different times.
  private func differentEnds(_ world: MPICommunicator) throws {
    let rank = world.rank
    let memory = Memory(pattern(1000, 0))
    let empty = Memory(Array(repeating: 0, count: 1000))
    let late = 0.8  // seconds: much more than the patience
    var values = [Float](repeating: 1, count: 5000)
    try values.withUnsafeMutableBufferPointer {
      let request = try world.startAllReduce($0)
      if rank == 1 { Thread.sleep(forTimeInterval: late) }
      _ = try world.wait(request)
    }
    // Rank 0 has nothing more to do once it has sent. Whichever of the two passes it on to rank 3,
    // that one waits for much longer.
    if rank == 1 || rank == 2 { Thread.sleep(forTimeInterval: late) }
    try world.broadcast(rank == 0 ? memory.bytes : empty.bytes, root: 0)
    try require(values == Array(repeating: 4, count: 5000), "sum")
    if rank > 0 { try require(empty.content == memory.content, "broadcast") }
    switch rank {
    case 1:
      Thread.sleep(forTimeInterval: late)
      try world.send(UnsafeRawBufferPointer(memory.bytes), to: 3, tag: 1)
    case 2: try world.send(UnsafeRawBufferPointer(memory.bytes), to: 3, tag: 2)
    case 3:
      // Rank 2 has left long before its message is taken.
      try world.receive(into: empty.bytes, from: 1, tag: 1)
      try world.receive(into: empty.bytes, from: nil, tag: 2)
    default: break
    }
  }

  private func say(_ text: String) {
    FileHandle.standardError.write(Data("heard: \(text)\n".utf8))
  }
}

@Suite(.serialized, .enabled(if: Stage.isFree)) struct EarlyLeavingTests {
  private func play(_ scene: String, ranks: Int) throws -> (code: Int32, heard: [String]) {
    let process = Process()
    // This process may have started MPI; its children must not take themselves for it.
    var environment = ProcessInfo.processInfo.environment.filter { variable, _ in
      !["OMPI_", "PMIX_", "PMI_", "ORTE_", "OPAL_"].contains(where: variable.hasPrefix)
    }
    environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
    environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    environment[Stage.variable] = scene
    process.environment = environment
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "timeout", "-k", "2", "60", Stage.mpirun, "-q", "--oversubscribe", "--bind-to", "none", "-np",
      "\(ranks)", try #require(Stage.bundle), "--testing-library", "swift-testing",
      "--no-parallel", "--filter", "EarlyLeavingScene",
    ]
    let error = Pipe()
    process.standardError = error
    process.standardOutput = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let heard = text.split(separator: "\n").filter { $0.hasPrefix("heard: ") }.map {
      String($0.dropFirst(7))
    }
    return (process.terminationStatus, heard)
  }

  @Test func everyWaitNamesTheRankThatLeft() throws {
    let (code, heard) = try play("everyWait", ranks: 7)
    func line(_ rank: Int, _ call: String, _ peer: Int, _ left: Int = 3) -> String {
      "rank \(rank): \(call) (peer rank \(peer)) failed: rank \(left) of the job has left it while "
        + "this rank waits for it"
    }
    #expect(code == 0)
    #expect(
      Set(heard) == [
        line(0, "MPI_Irecv", 3), line(1, "MPI_Isend", 3), line(2, "MPI_Irecv", 1, 1),
        line(1, "MPI_Iallreduce", 2), line(0, "MPI_Iallreduce", 2), line(0, "fence", 1),
      ])
  }

  @Test func theJobEndsWithTheRanksName() throws {
    let (code, heard) = try play("uncaught", ranks: 3)
    #expect(code == 70)
    let text = "MPI_Ibarrier (peer rank 1) failed: rank 1 of the job has left it"
    #expect(!heard.isEmpty && heard.allSatisfy { $0.contains(text) }, "\(heard)")
  }

  @Test func endingAtDifferentTimesIsNoLeaving() throws {
    let (code, heard) = try play("differentEnds", ranks: 4)
    #expect(code == 0 && heard.isEmpty, "\(heard)")
  }
}
