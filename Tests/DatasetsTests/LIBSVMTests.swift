import Basics
import Foundation
import Testing

@testable import Datasets

@Suite struct LIBSVMTests {
  private static let training = """
    # a comment
    +1 1:0.5 3:-2  # another
    -1 2:1e-1

    -1
    +1\t1:3 2:4 4:5
    """
  private static let heldOut = "-1 1:1\r\n+1 4:2\r\n"

  private func pair(
    _ settings: [String: String] = [:], _ training: String = training, _ heldOut: String = heldOut
  ) throws -> DatasetPair {
    let folder = try TemporaryFolder()
    let (a, b) = (try folder.write("a", training), try folder.write("b", heldOut))
    return try openDataset("libsvm:\(a),\(b)", settings: settings)
  }

  @Test(arguments: ["false", "true"]) func rowsBecomeSamples(dense: String) throws {
    let data = try pair(["dense": dense])
    let shape = Shape([4], element: dense == "true" ? .float : .sparse)
    #expect(data.training.sampleShape == shape && data.heldOut.sampleShape == shape)
    #expect(data.training.classes == 2 && data.training.targets == .classes)
    let training = Samples(of: data.training), heldOut = Samples(of: data.heldOut)
    #expect(training.inputs == [[0.5, 0, -2, 0], [0, 0.1, 0, 0], [0, 0, 0, 0], [3, 4, 0, 5]])
    #expect(training.classes == [1, 0, 0, 1])
    #expect(heldOut.inputs == [[1, 0, 0, 0], [0, 0, 0, 2]])
    #expect(heldOut.classes == [0, 1])
  }

  @Test func labelsMayBeNumbers() throws {
    let data = try pair(["task": "numbers"], "1.5 1:1\n-2 1:2\n", "0 1:1\n")
    #expect(data.training.targets == .numbers && data.training.classes == 1)
    #expect(Samples(of: data.training).numbers == [1.5, -2])
  }

  @Test func classesAreNumberedOverBothFiles() throws {
    let data = try pair([:], "7 1:1\n2 1:1\n", "-3 1:1\n2 1:1\n")
    #expect(data.training.classes == 3)
    #expect(Samples(of: data.training).classes == [2, 1])
    #expect(Samples(of: data.heldOut).classes == [0, 1])
    #expect(try pair([:], "5 1:1\n", "5 1:1\n").training.classes == 2)
  }

  @Test func aZeroInOneFileCountsForBoth() throws {
    for (a, b) in [("1 0:5\n", "2 1:7\n"), ("1 1:7\n", "2 0:5\n")] {
      let data = try pair([:], a, b)
      #expect(data.training.sampleShape.count == 2)
      let both = Samples(of: data.training).inputs + Samples(of: data.heldOut).inputs
      #expect(Set(both) == [[5, 0], [0, 7]])
    }
  }

  /// What a file was counted from in one pair does not follow it into another.
  @Test func everyPairDecidesForItself() throws {
    let folder = try TemporaryFolder()
    let zero = try folder.write("zero", "1 0:5\n")
    let (one, other) = (try folder.write("one", "2 1:7\n"), try folder.write("other", "2 2:8\n"))
    func inputs(_ paths: String) throws -> [[Float]] {
      let data = try openDataset("libsvm:" + paths)
      return Samples(of: data.training).inputs + Samples(of: data.heldOut).inputs
    }
    for _ in 0..<2 {
      #expect(try inputs("\(zero),\(one)") == [[5, 0], [0, 7]])
      #expect(try inputs("\(one),\(other)") == [[7, 0], [0, 8]])
      #expect(try inputs("\(other),\(zero)") == [[0, 0, 8], [5, 0, 0]])
    }
  }

  @Test func featuresMayBeMoreThanOccur() throws {
    #expect(try pair(["features": "10"]).training.sampleShape.count == 10)
    #expect(try pair([:], "1\n2\n", "1\n").training.sampleShape.count == 1)
  }

  @Test func aShareOfASingleFileIsHeldOut() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      "all", (0..<100).map { "\($0 % 2) 1:\($0)" }.joined(separator: "\n"))
    let data = try openDataset("libsvm:" + path)
    #expect(data.training.count == 90 && data.heldOut.count == 10)
    let heldOut = Samples(of: data.heldOut)
    let all = (heldOut.inputs + Samples(of: data.training).inputs).map { Int($0[0]) }
    #expect(all.sorted() == Array(0..<100))
    for (input, label) in zip(heldOut.inputs, heldOut.classes) {
      #expect(Int(input[0]) % 2 == label)
    }
    #expect(try openDataset("libsvm:" + path, settings: ["heldout": "0.3"]).heldOut.count == 30)
    #expect(Samples(of: try openDataset("libsvm:" + path).heldOut).inputs == heldOut.inputs)
  }

  @Test func wrongLinesAreNamed() throws {
    let folder = try TemporaryFolder()
    let pair =
      "where INDEX:VALUE is needed, the index being a whole number of at most 2,147,483,646"
    let cases = [
      ("1:3 2:4", "'1:3' where a label is needed: a finite number, then INDEX:VALUE ..."),
      ("cat 1:1", "'cat' where a label is needed: a finite number, then INDEX:VALUE ..."),
      ("nan 1:1", "'nan' where a label is needed: a finite number, then INDEX:VALUE ..."),
      ("1,2 1:1", "'1,2' where a label is needed: a finite number, then INDEX:VALUE ..."),
      ("1 2", "'2' \(pair)"), ("1 qid:3 1:1", "'qid:3' \(pair)"), ("1 -1:3", "'-1:3' \(pair)"),
      ("1 2147483647:1", "'2147483647:1' \(pair)"),
      ("1 99999999999999999999:1", "'99999999999999999999:1' \(pair)"),
      ("1 1:", "'1:': the value behind the colon is not a finite number"),
      ("1 1: 5", "'1:': the value behind the colon is not a finite number"),
      ("1 1:inf", "'1:inf': the value behind the colon is not a finite number"),
      ("1 1:1e39", "'1:1e39': the value behind the colon is not a finite number"),
      ("1 1:2x", "'1:2x': the value behind the colon is not a finite number"),
      ("1 3:1 2:1", "index 2 behind 3: indices must ascend"),
      ("1 3:1 3:1", "index 3 behind 3: indices must ascend"),
      (
        "1.5 3:1",
        "the label 1.5 is no class (a whole number of at most 16,777,216); --set task=numbers takes "
          + "labels as numbers"
      ),
    ]
    for (number, (line, text)) in cases.enumerated() {
      let path = try folder.write("\(number)", "# first\n1 1:1\n\n\(line)\n1 1:1\n")
      #expect(try problem("libsvm:" + path, in: folder) == "F/\(number): line 4: \(text)")
    }
  }

  @Test func wrongFilesAndSettingsAreNamed() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a", "\n# none\n1 1:1\n2 7:1\n")
    #expect(
      try problem("libsvm:" + path, ["features": "6"], in: folder)
        == "F/a: line 4: an index beyond features=6; the file needs 7")
    #expect(
      try problem("libsvm:" + path, in: folder)
        == "F/a: heldout=0.1 of 2 samples leaves none to hold out")
    try folder.write("wide", "1 16777217:1\n2\n1\n2\n1\n2\n1\n2\n1\n2\n")
    #expect(
      try problem("libsvm:\(folder.path)/wide", ["dense": "true"], in: folder)
        == "F/wide: 16,777,217 features; with dense=true at most 16,777,216 can be")
    try folder.write("empty", "")
    #expect(
      try problem("libsvm:\(path),\(folder.path)/empty", in: folder)
        == "F/empty: empty; LABEL INDEX:VALUE ... is needed")
    try folder.write("blank", "\n # nothing\n")
    #expect(
      try problem("libsvm:\(path),\(folder.path)/blank", in: folder)
        == "F/blank: holds no samples, only comments and blank lines")
    #expect(try problem("libsvm:" + folder.path, in: folder) == "F: not a file")
    #expect(
      try problem("libsvm:" + folder.path + "/none", in: folder)
        == "F/none: cannot be read: No such file or directory")
    for (specification, settings, text) in [
      ("libsvm:a,b,c", [:], "data=a,b,c: libsvm:TRAIN[,HELDOUT] is needed"),
      ("libsvm:a,", [:], "data=a,: libsvm:TRAIN[,HELDOUT] is needed"),
      ("libsvm:a", ["task": "both"], "task=both: one of classes, numbers is needed"),
      (
        "libsvm:a", ["heldout": "1"], "heldout=1: a number above 0 and below 1 is needed"
      ),
    ] as [(String, [String: String], String)] {
      let error = #expect(throws: SettingError.self) {
        try openDataset(specification, settings: settings)
      }
      #expect(error?.description == text)
    }
  }

  @Test func anyDamageIsRefusedOrRead() throws {
    let good = (0..<12).map { "\($0 % 3) 1:\($0) 5:0.25 9:-1e-2 # n" }.joined(separator: "\n")
    for settings in [[:], ["dense": "true", "task": "numbers"]] {
      try damage(
        Array(good.utf8), name: "data",
        pieces: ["nan", "1:", ":", "\n", "#", "e99", "-", "0:1", "2147483646:1", "\0", "\u{FEFF}"]
          .map { Array($0.utf8) }, settings: settings
      ) { "libsvm:" + $0 }
    }
  }
}
