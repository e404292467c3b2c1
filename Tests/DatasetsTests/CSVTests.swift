import Basics
import Testing

@testable import Datasets

@Suite struct CSVTests {
  private static let flowers = """
    length,width,kind
    5.1,3.5,setosa
    7.0,3.2,versicolor
    6.3,3.3,virginica
    4.9,3.0,setosa

    """

  private func pair(
    _ training: String, _ heldOut: String? = nil, _ settings: [String: String] = [:]
  ) throws -> (training: FeatureTable, heldOut: FeatureTable) {
    let folder = try TemporaryFolder()
    let (a, b) = (try folder.write("a", training), try folder.write("b", heldOut ?? training))
    let pair = try openDataset("csv:\(a),\(b)", settings: settings)
    return (
      try #require(pair.training as? FeatureTable), try #require(pair.heldOut as? FeatureTable)
    )
  }

  private static let raw = ["standardise": "false"]

  @Test func linesBecomeSamples() throws {
    let (training, heldOut) = try pair(Self.flowers, "1,2,versicolor\n", Self.raw)
    #expect(training.sampleShape == Shape([2]) && training.classes == 3)
    #expect(training.classNames == ["setosa", "versicolor", "virginica"])
    let samples = Samples(of: training)
    #expect(samples.inputs == [[5.1, 3.5], [7, 3.2], [6.3, 3.3], [4.9, 3]])
    #expect(samples.classes == [0, 1, 2, 0])
    #expect(Samples(of: heldOut).inputs == [[1, 2]] && Samples(of: heldOut).classes == [1])
    #expect(heldOut.classNames == training.classNames)
  }

  @Test(arguments: [
    ("a,1,2\nb,3,4\n", ["target": "first"]), ("1,a,2\n3,b,4\n", ["target": "2"]),
    ("x,2,kind\n1,2,a\n3,4,b\n", ["target": "kind"]), ("x;y;z\n1;2;a\n3;4;b", [:]),
    ("1\t2\ta\n3\t4\tb", [:]), ("1,2,a\r\n3,4,b\r\n", [:]), ("\n\n1,2,a\n\r\n  \n3,4,b\n\n", [:]),
    (" 1 , 2 , a \n3,4,b", [:]), ("\"1\",\"2\",\"a\"\n\"3\",4,b", [:]),
    ("1,2,a\n3,4,b", ["header": "false"]), ("9,9,kind\n1,2,a\n3,4,b", ["header": "true"]),
    ("\u{FEFF}x,y,z\n1,2,a\n3,4,b", [:]), ("1;2;a\n3;4;b", ["separator": "semicolon"]),
    ("y,x,1\na,1,2\nb,3,4", ["target": "y"]),
    ("7,8,9\n1,a,2\n3,b,4", ["target": "8", "header": "true"]),
  ])
  func everyLayoutIsUnderstood(text: String, settings: [String: String]) throws {
    let data = try pair(text, nil, settings.merging(Self.raw) { $1 }).training
    let samples = Samples(of: data)
    #expect(samples.inputs == [[1, 2], [3, 4]], "\(text)")
    #expect(samples.classes == [0, 1] && data.classNames == ["a", "b"])
  }

  @Test func quotedFieldsHoldAnything() throws {
    let text = "1,\"a,b\"\n2,\"say \"\"yes\"\"\"\n3,\"two\nlines\"\n4 ,  \"a,b\"  \n"
    let data = try pair(text, nil, Self.raw).training
    #expect(data.classNames == ["a,b", "say \"yes\"", "two\nlines"])
    #expect(Samples(of: data).classes == [0, 1, 2, 0])
  }

  @Test func classesThatAreNumbersAscendAsNumbers() throws {
    let text = [10, 9, 2, 100, 9].map { "0,\($0)" }.joined(separator: "\n")
    let data = try pair(text, "0,-1\n").training
    #expect(data.classNames == ["-1", "2", "9", "10", "100"])
    #expect(Samples(of: data).classes == [3, 2, 1, 4, 2])
    #expect(try pair("0,10\n0,9\n0,x\n").training.classNames == ["10", "9", "x"])
    // One number is one class, however it is written.
    let same = try pair("0,1\n0,1.0\n0,+1\n0,2\n0,01\n0,2e0\n").training
    #expect(same.classNames == ["1", "2"])
    #expect(Samples(of: same).classes == [0, 0, 0, 1, 0, 1])
    #expect(try pair("0,1\n0,0x1\n").training.classNames == ["0x1", "1"])
  }

  @Test func manyClassesKeepTheirNames() throws {
    let names = (0..<1000).map { "class \($0 * 7919 % 1000)" }
    let data = try pair(names.map { "0,\($0)" }.joined(separator: "\n")).training
    #expect(data.classNames == Set(names).sorted())
    #expect(Samples(of: data).classes.map { data.classNames[$0] } == names)
  }

  @Test func targetsMayBeNumbers() throws {
    let (training, heldOut) = try pair(
      "x,y\n1,2.5\n2,-1e3\n", "x,y\n3,0\n", ["task": "numbers", "standardise": "false"])
    #expect(training.targets == .numbers && training.classes == 1 && training.classNames == [])
    #expect(Samples(of: training).numbers == [2.5, -1000])
    #expect(Samples(of: heldOut).numbers == [0])
  }

  @Test func featuresAreStandardisedByTheTrainingHalf() throws {
    let (training, heldOut) = try pair("1,5,a\n3,5,b\n", "5,7,a\n3e38,5,b\n")
    #expect(Samples(of: training).inputs == [[-1, 0], [1, 0]])
    #expect(Samples(of: heldOut).inputs == [[3, 2], [3e38, 0]])
    let near = try pair("1e-45,a\n0,b\n", "3e38,a\n").heldOut
    #expect(Samples(of: near).inputs == [[.greatestFiniteMagnitude]])
    // Of a single file the mean is that of what is not held out.
    let folder = try TemporaryFolder()
    let path = try folder.write("c", (0..<50).map { "\($0),x" }.joined(separator: "\n"))
    let split = try openDataset("csv:" + path, settings: ["heldout": "0.3"])
    #expect(split.training.count == 35 && split.heldOut.count == 15)
    let values = Samples(of: split.training).inputs.map { Double($0[0]) }
    #expect(abs(values.reduce(0, +)) < 1e-4)
    #expect(abs(values.reduce(0) { $0 + $1 * $1 } - 35) < 1e-4)
    #expect(abs(Samples(of: split.heldOut).inputs.reduce(0) { $0 + $1[0] }) > 1e-4)
  }

  private static let remedy =
    "--set header=true if the first line names the columns, header=false if it is a sample"
  private static let noClass =
    "is no class: classes are names or whole numbers; --set task=numbers takes targets as numbers"

  /// Lines that look like headers, and samples that do not look like them.
  @Test func whatIsAHeaderCanBeSaid() throws {
    let names = try pair("0,1,label\n1,2,a\n3,4,b\n", nil, ["header": "true"]).training
    #expect(names.count == 2 && names.classNames == ["a", "b"])
    let sample = try pair("0,1,label\n1,2,5\n3,4,6\n", nil, ["header": "false"]).training
    #expect(sample.count == 3 && sample.classNames == ["5", "6", "label"])
    let again = try pair("0,1,a\n1,2,b\n3,4,a\n").training
    #expect(again.count == 3 && again.classNames == ["a", "b"])
  }

  @Test func wrongLinesAreNamed() throws {
    let folder = try TemporaryFolder()
    let cases: [(String, [String: String], String)] = [
      ("1,2,a\n3,b\n", [:], "line 2: 2 fields where the first line has 3"),
      ("1,2,a\n\n3,4,5,6\n", [:], "line 3: 4 fields where the first line has 3"),
      ("1,2,a\n3,x,b\n", [:], "line 2: 'x' in column 2 where a finite number is needed"),
      ("p,q,r\n3,,b\n", [:], "line 2: '' in column 2 ('q') where a finite number is needed"),
      ("1,2,a\n3,nan,b\n", [:], "line 2: 'nan' in column 2 where a finite number is needed"),
      ("1,2,a\n3,1e99,b\n", [:], "line 2: '1e99' in column 2 where a finite number is needed"),
      ("1,2,a\n3,4 5,b\n", [:], "line 2: '4 5' in column 2 where a finite number is needed"),
      ("1,2,a\n3,4,\n", [:], "line 2: no class in column 3"),
      (
        "1,2\n3,a\n", ["task": "numbers"],
        "line 2: 'a' in column 2 where a finite number is needed"
      ),
      ("1,2,a\n3,\"4,b\n", [:], "line 2: a quoted field that does not end"),
      ("p,\"q\nq\",r\n3,\"4\"x,b\n", [:], "line 3: 'x,b' behind a closing quotation mark"),
      (
        "1 2 3\n", [:],
        "line 1: one column; features and a target need two or more (see separator)"
      ),
      ("p,q,r\n1,2,a\n", ["target": "s"], "line 1: no column target=s; its columns are p, q, r"),
      (
        "1,2,a\n", ["target": "4", "header": "false"],
        "line 1: no column target=4; without a header, last, first or a number from 1 to 3 is needed"
      ),
      (String(repeating: ",", count: 1 << 20), [:], "line 1: more than 1,048,576 fields"),
      (
        "1,2,a\n", ["target": "0"],
        "line 1: no column target=0; last, first or a number from 1 to 3 is needed"
      ),
      (
        "p,q,r\n1,2,a\n", ["target": "5"],
        "line 1: no column target=5; last, first or a number from 1 to 3 is needed"
      ),
      ("1,,a\n3,4,b\n", [:], "line 1: '' beside numbers: \(Self.remedy)"),
      ("1,NA,a\n3,4,b\n", [:], "line 1: 'NA' beside numbers: \(Self.remedy)"),
      ("id,2019,r\n3,4,b\n", [:], "line 1: 'id' beside numbers: \(Self.remedy)"),
      (
        "1,NA,a\n3,4,b\n", ["header": "false"],
        "line 1: 'NA' in column 2 where a finite number is needed"
      ),
      (
        "0,1,label\n3,4,5\n3,4,6\n", [:],
        "line 1: 'label' above classes that are numbers: \(Self.remedy)"
      ),
      (
        "0,1,label\n3,4,a\n3,4,b\n", [:],
        "line 1: 0, 1, ... and 'label', which never comes again: \(Self.remedy)"
      ),
      (
        "0,1,label\n3,4,5\n", ["task": "numbers"],
        "line 1: 'label' in column 3 where a finite number is needed (--set header=true if the "
          + "first line names the columns)"
      ),
      ("x,y\n1,2\n3,0.37\n", [:], "line 3: '0.37' \(Self.noClass)"),
      ("x,y\n1,2\n\n3,nan\n", [:], "line 4: 'nan' \(Self.noClass)"),
      ("1,inf\n3,2\n", [:], "line 1: 'inf' \(Self.noClass)"),
      (
        "x,y\r1,2\r3,4\r", [:],
        "lines end with CR alone; LF is needed, as `tr '\\r' '\\n'` makes it"
      ),
      ("p,q,r\n", [:], "holds no samples"), ("\n\n", [:], "holds no samples"),
      ("", [:], "empty; a line of comma-separated values is needed"),
      ("1,2,a\n", [:], "heldout=0.1 of 1 samples leaves none to hold out"),
    ]
    for (number, (text, settings, words)) in cases.enumerated() {
      let path = try folder.write("\(number)", text)
      let found = try problem("csv:" + path, settings, in: folder)
      #expect(found == "F/\(number): " + words)
    }
    #expect(try problem("csv:" + folder.path, in: folder) == "F: not a file")
    let (a, b) = (try folder.write("a", "p,q\n1,2\n"), try folder.write("b", "p,q,r\n1,2,3\n"))
    let c = try folder.write("c", "p,Q\n1,2\n")
    #expect(try problem("csv:\(a),\(b)", in: folder) == "F/b: 3 columns where F/a has 2")
    #expect(
      try problem("csv:\(a),\(c)", in: folder) == "F/c: column 2 is 'Q' where F/a has 'q'")
  }

  @Test func wrongSettingsAreNamed() throws {
    for (name, value, words) in [
      ("header", "yes", "one of auto, true, false"),
      ("separator", "|", "one of auto, comma, semicolon, tab"),
      ("heldout", "0.2", "a single file, not one to train on and one that is held out,"),
      ("task", "x", "one of classes, numbers"), ("standardise", "1", "true or false"),
    ] {
      let error = #expect(throws: SettingError.self) {
        try openDataset("csv:none,none", settings: [name: value])
      }
      #expect(error?.description == "\(name)=\(value): \(words) is needed")
    }
  }

  @Test func anyDamageIsRefusedOrRead() throws {
    let good = "a,b,kind\n" + (0..<12).map { "\($0),-0.5e1,\"k \"\"\($0 % 3)\"\"\"\n" }.joined()
    for settings in [[:], ["task": "numbers", "target": "first", "header": "true"]] {
      try damage(
        Array(good.utf8), name: "data",
        pieces: ["nan", "\"", ",", "\n", ";", "e99", "\t", "\"\"", "\0", "1e38", "-3e38,"]
          .map { Array($0.utf8) }, settings: settings
      ) { "csv:" + $0 }
    }
  }
}
