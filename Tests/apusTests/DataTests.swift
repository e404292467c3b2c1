import Foundation
import Testing
import Training

/// Data sets of other formats than pictures of digits, as a user meets them.
@Suite struct DataTests {
  /// Two classes of points on a line, one of them beyond 0.
  private static let points =
    "x,noise,kind\n"
    + (0..<200).map { "\(($0 * 37 % 100) - 50),\($0 % 7),\($0 * 37 % 100 < 50 ? "low" : "high")\n" }
    .joined()

  private func write(_ program: Program, _ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: program(name)))
  }

  @Test func settingsOfTheDataReachTraining() throws {
    let program = try Program()
    try write(program, "points.csv", Self.points)
    let trained = try program.run(
      [
        "train", "--data", "csv:points.csv", "--model", "linear", "--batch", "20", "--epochs", "8",
        "--learning-rate", "0.05", "--set", "heldout=0.25", "--set", "beta1=0.8", "--run", "run",
      ], ranks: 2)
    #expect(trained.code == 0, "\(trained.error)")
    #expect(trained.output.contains("csv:points.csv (150 samples)"), "\(trained.output)")
    let accuracy = try #require(program.log("run").last?.heldOutAccuracy)
    #expect(accuracy > 0.9)
    // The run's own settings, unless others are asked for.
    let again = try program.run(["evaluate", "run"], ranks: 2)
    #expect(
      again.output.contains(
        String(format: "50 held-out samples of csv:points.csv: accuracy %.4f", accuracy)))
    let other = try program.run(["evaluate", "run", "--set", "heldout=0.5"])
    #expect(other.output.contains("100 held-out samples"), "\(other.error)")
    let file = try #require(program.checkpoints("run").last)
    let plain = try program.run(["evaluate", file, "--data", "csv:points.csv"])
    #expect(plain.output.contains("20 held-out samples"), "\(plain.error)")
    let resumed = try program.run(["train", "--resume", "--run", "run", "--epochs", "9"])
    #expect(resumed.code == 0 && resumed.output.contains("(150 samples)"), "\(resumed.error)")
  }

  /// Targets that are numbers: least squares.
  @Test func numbersAreFittedToo() throws {
    let program = try Program()
    let lines = (0..<300).map { "\($0 * 37 % 100),\($0 % 7),\(Double($0 * 37 % 100) / 20 - 1)\n" }
    try write(program, "line.csv", "x,noise,y\n" + lines.joined())
    let trained = try program.run(
      [
        "train", "--data", "csv:line.csv", "--set", "task=numbers", "--model", "linear", "--batch",
        "30", "--epochs", "60", "--learning-rate", "0.05", "--run", "run",
      ], ranks: 2)
    #expect(trained.code == 0, "\(trained.error)")
    let last = try #require(program.log("run").last)
    #expect(try #require(last.heldOutLoss) < 1e-3)
    let again = try program.run(["evaluate", "run"])
    #expect(again.code == 0 && again.output.contains("loss 0.000"), "\(again.output)")
  }

  @Test func ranksMakeAnIndexTogetherAndUseIt() throws {
    let program = try Program()
    try write(
      program, "points.svm", (0..<100).map { "\($0 % 2 * 2 - 1) \($0 % 2 + 1):1 5:0.5\n" }.joined())
    for _ in 0..<2 {
      let trained = try program.run(
        [
          "train", "--data", "libsvm:points.svm", "--set", "dense=true", "--model", "linear",
          "--batch", "20", "--steps", "3", "--run", "run-\(UUID().uuidString)",
        ], ranks: 3)
      #expect(trained.code == 0, "\(trained.error)")
      #expect(FileManager.default.fileExists(atPath: program("points.svm.apus-index")))
      #expect(program.partialFiles().isEmpty)
    }
  }

  /// The same pictures, cut and mirrored alike, whoever reads them: the same bits in the end.
  @Test func augmentationIsTheSameOnAnyNumberOfRanks() throws {
    let program = try Program()
    for (name, count) in [("train.bin", 24), ("test.bin", 5)] {
      let bytes = (0..<count * 3073).map { (place: Int) -> UInt8 in
        let label = place / 3073 % 10, pixel = place * place / 7 % 256
        return UInt8(place % 3073 == 0 ? label : pixel)
      }
      try FileManager.default.createDirectory(
        atPath: program("cifar"), withIntermediateDirectories: true)
      try Data(bytes).write(to: URL(fileURLWithPath: program("cifar/" + name)))
    }
    func checkpoint(_ run: String, ranks: Int?, _ more: [String] = []) throws -> Data {
      let trained = try program.run(
        [
          "train", "--data", "cifar10:cifar", "--model", "linear", "--batch", "8", "--lanes", "4",
          "--epochs", "2", "--run", run,
        ] + more, ranks: ranks)
      #expect(trained.code == 0, "\(trained.error)")
      return try program.newest(run)
    }
    let alone = try checkpoint("alone", ranks: nil)
    #expect(try checkpoint("two", ranks: 2) == alone)
    #expect(try checkpoint("plain", ranks: nil, ["--set", "augment=false"]) != alone)
    #expect(try checkpoint("seed", ranks: nil, ["--seed", "2"]) != alone)
  }

  /// The model's numbers are those of the data that it was trained on, whatever it meets later.
  @Test func otherDataAreMeasuredAsTheTrainingDataWere() throws {
    let program = try Program()
    func points(_ shift: Int, _ classes: [String]) -> String {
      (0..<200).map { "\($0 * 37 % 100 - 50 + shift),\(classes[$0 * 37 % 100 < 50 ? 0 : 1])\n" }
        .joined()
    }
    try write(program, "points.csv", points(0, ["a", "b"]))
    try write(program, "shifted.csv", points(500, ["a", "b"]))
    try write(program, "named.csv", points(0, ["c", "d"]))
    let options = ["--model", "linear", "--batch", "20", "--learning-rate", "0.05", "--run", "run"]
    let trained = try program.run(["train", "--data", "csv:points.csv", "--epochs", "8"] + options)
    #expect(trained.code == 0, "\(trained.error)")
    let same = try program.run(["evaluate", "run"])
    #expect(same.output.contains("accuracy 0.9") || same.output.contains("accuracy 1.0"))
    // All of them lie on one side: right are the 13 of 20 that belong there.
    let shifted = try program.run(["evaluate", "run", "--data", "csv:shifted.csv"], ranks: 2)
    #expect(shifted.output.contains("accuracy 0.6500"), "\(shifted.output)\(shifted.error)")
    let named = try program.run(["evaluate", "run", "--data", "csv:named.csv"], ranks: 2)
    #expect(named.code == 64)
    #expect(
      named.complaints == [
        "apus: the model was trained on the classes 'a', 'b' and standardised features;"
          + " csv:named.csv has other classes: 'c', 'd'"
      ], "\(named.error)")
    for (data, words) in [
      ("shifted", "these have features of another mean and deviation"), ("named", "'c', 'd'"),
    ] {
      let resumed = try program.run(
        ["train", "--resume", "--run", "run", "--data", "csv:\(data).csv", "--epochs", "9"])
      #expect(resumed.code == 65 && resumed.complaints.count == 1, "\(resumed.error)")
      #expect(resumed.complaints.first?.contains(words) == true, "\(resumed.error)")
    }
  }

  @Test func whatCannotBeTrainedOnIsRefusedInOneLine() throws {
    let program = try Program()
    try write(program, "points.csv", Self.points + "1,2\n")
    try write(program, "numbers.csv", (0..<20).map { "\($0),\($0)\n" }.joined())
    let cases: [([String], ExitCode, String)] = [
      (
        ["--data", "csv:points.csv"], .badData,
        "points.csv: line 202: 2 fields where the first line"
      ),
      (
        ["--data", "csv:numbers.csv", "--set", "seperator=tab"], .usage,
        "unknown setting 'seperator'; did you mean 'separator'?"
      ),
      (["--data", "csv:numbers.csv", "--set", "header=no"], .usage, "header=no: one of auto"),
      (["--data", "libsvm:numbers.csv"], .badData, "numbers.csv: line 1: '0,0' where a label"),
      (["--data", "npz:numbers.csv"], .badData, "numbers.csv: no zip archive"),
    ]
    for (arguments, code, words) in cases {
      let finished = try program.run(
        ["train", "--model", "linear", "--batch", "4", "--run", "run"] + arguments, ranks: 2)
      #expect(finished.code == code.rawValue, "\(arguments): \(finished.error)")
      #expect(
        finished.complaints.count == 1 && finished.complaints[0].contains(words),
        "\(finished.error)")
    }
    #expect(!FileManager.default.fileExists(atPath: program("run")))
  }
}
