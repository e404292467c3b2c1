// Looks into the object files: code for newer processors must not be shared with other modules
// through weak symbols, and no kernel may call the math library per lane.

import Foundation
import Testing

/// Where a tool of the binary utilities is; nil where it is missing.
private func path(_ tool: String) -> String? {
  let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
  return folders.map { "\($0)/\(tool)" }.first(where: FileManager.default.isExecutableFile)
}

/// Without the tools a run says that these tests were skipped.
@Suite(
  .enabled(if: path("nm") != nil && path("objdump") != nil, "nm and objdump are missing"))
struct ObjectTests {
  #if arch(x86_64)
    private static let modules = ["KernelBase", "KernelAVX2", "KernelAVX512"]
  #else
    private static let modules = ["KernelBase"]
  #endif

  /// The output of a tool.
  private func output(_ tool: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(path(tool)))
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }

  /// Object files of a module, next to the running test; there are some.
  private func objects(_ module: String) -> [String] {
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    for _ in 0..<6 {
      let build = folder.appendingPathComponent("\(module).build")
      if let files = try? FileManager.default.contentsOfDirectory(atPath: build.path) {
        let objects = files.filter { $0.hasSuffix(".o") }.map { build.path + "/" + $0 }
        #expect(!objects.isEmpty, "no objects in \(build.path)")
        return objects
      }
      folder = folder.deletingLastPathComponent()
    }
    Issue.record("\(module).build is not beside the test")
    return []
  }

  #if arch(x86_64) && os(Linux)
    @Test(arguments: ["KernelAVX2", "KernelAVX512"]) func variantsShareNoCode(_ module: String)
      throws
    {
      for file in objects(module) {
        let symbols = try output("nm", [file])
        var weak: Set<String> = []
        for line in symbols.split(separator: "\n") {
          let words = line.split(separator: " ")
          if words.count == 3 && ["W", "V"].contains(words[1]) { weak.insert(String(words[2])) }
        }
        let code = try output("objdump", ["-d", "--no-show-raw-insn", file])
        var shared: String?
        for line in code.split(separator: "\n") {
          if line.hasSuffix(">:"), let start = line.firstIndex(of: "<") {
            let name = String(line[line.index(after: start)...].dropLast(2))
            // What carries the module's name is this module's alone.
            shared = weak.contains(name) && !name.contains(module) ? name : nil
            #if DEBUG
              // For @testable imports, debug builds keep the metadata of internal types, whose
              // copying functions are shared. Release builds have none.
              if name.hasPrefix("__swift_memcpy") { shared = nil }
            #endif
          } else if let shared {
            let vector = line.contains("\tv") || line.contains("%ymm") || line.contains("%zmm")
            #expect(!vector, "\(shared) in \(file) is shared and holds \(line)")
          }
        }
      }
    }
  #endif

  @Test(arguments: modules) func kernelsCallNoMathPerLane(_ module: String) throws {
    for file in objects(module) {
      let symbols = try output("nm", ["-u", file])
      var called: Set<String> = []
      for line in symbols.split(separator: "\n") {
        if let name = line.split(separator: " ").last { called.insert(String(name)) }
      }
      for name in [
        "fma", "fmaf", "expf", "exp", "exp2f", "expm1f", "logf", "powf", "tanhf", "erff", "rintf",
        "sqrtf", "roundf", "floorf", "fmaxf",
      ] {
        #expect(!called.contains(name), "\(file) calls \(name)")
      }
      #if !DEBUG  // Debug builds keep accessors that nobody calls.
        #expect(called.isDisjoint(with: ["swift_allocObject", "malloc"]), "\(file) allocates")
      #endif
    }
  }
}
