import Foundation
import Testing

@testable import Training

@Suite struct RunLogTests {
  @Test func aResumedLogKeepsWhatWasBeforeAndDropsTheRest() throws {
    let folder = try TemporaryFolder()
    let path = folder("log.jsonl")
    let first = try RunLog(path: path, keepingUpTo: nil)
    for step in 1...5 {
      var line = LogLine(.progress)
      (line.step, line.loss) = (step, step == 2 ? .nan : 1)
      try first.write(line)
    }
    let cut = try String(contentsOfFile: path, encoding: .utf8) + #"{"event":"prog"#
    try cut.write(toFile: path, atomically: true, encoding: .utf8)
    let second = try RunLog(path: path, keepingUpTo: 3)
    #expect(second.earlier.map(\.step) == [1, 2, 3])
    #expect(second.earlier[1].loss == nil)
    try second.write(LogLine(.end))
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 4 && lines[3] == #"{"event":"end"}"#)
    #expect(folder.contents() == ["log.jsonl"])
  }
}
