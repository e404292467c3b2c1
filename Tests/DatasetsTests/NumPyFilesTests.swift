import Basics
import Testing

@testable import Datasets

@Suite struct NumPyFilesTests {
  /// Opens a pair of files, with everything on both sides.
  private func pair(
    _ inputs: [UInt8], _ targets: [UInt8], _ settings: [String: String] = [:]
  ) throws -> DatasetPair {
    let folder = try TemporaryFolder()
    let (x, y) = (try folder.write("x", inputs), try folder.write("y", targets))
    return try openDataset("npy:\(x),\(y),\(x),\(y)", settings: settings)
  }

  private static let labels = npy("<i8", [2], bytes([Int64(1), 0]))

  @Test func everyTypeIsRead() throws {
    let cases: [(String, [UInt8])] = [
      ("<f4", bytes([Float(0), 1, 100, 7])), (">f4", bytes([Float(0), 1, 100, 7], swapped: true)),
      ("<f8", bytes([Double(0), 1, 100, 7])),
      (">f8", bytes([Double(0), 1, 100, 7], swapped: true)),
      ("|i1", bytes([Int8(0), 1, 100, 7])),
      ("<i2", bytes([Int16(0), 1, 100, 7])), (">i2", bytes([Int16(0), 1, 100, 7], swapped: true)),
      ("<f2", bytes([Float16(0), 1, 100, 7])),
      (">f2", bytes([Float16(0), 1, 100, 7], swapped: true)),
      ("<u2", bytes([UInt16(0), 1, 100, 7])),
      (">u2", bytes([UInt16(0), 1, 100, 7], swapped: true)),
      ("<u4", bytes([UInt32(0), 1, 100, 7])),
      (">u4", bytes([UInt32(0), 1, 100, 7], swapped: true)),
      ("<i4", bytes([Int32(0), 1, 100, 7])), (">i4", bytes([Int32(0), 1, 100, 7], swapped: true)),
      ("<i8", bytes([Int64(0), 1, 100, 7])), (">i8", bytes([Int64(0), 1, 100, 7], swapped: true)),
    ]
    for (type, elements) in cases {
      for version: UInt8 in [1, 2, 3] {
        let data = try pair(npy(type, [2, 2], elements, version: version), Self.labels).training
        #expect(data.sampleShape == Shape([2]) && data.classes == 2)
        #expect(Samples(of: data).inputs == [[0, 1], [100, 7]], "\(type)")
        #expect(Samples(of: data).classes == [1, 0])
      }
    }
    for (type, classes) in [
      ("<u2", bytes([UInt16(40_000), 7])), ("<u4", bytes([UInt32(40_000), 7])),
    ] {
      let data = try pair(npy("|u1", [2, 1], [1, 2]), npy(type, [2], classes)).training
      #expect(Samples(of: data).classes == [40_000, 7])
    }
    let bits = try pair(npy("|b1", [2, 2], [0, 1, 1, 0]), npy("|b1", [2, 1], [1, 0])).training
    #expect(Samples(of: bits).inputs == [[0, 1], [1, 0]] && Samples(of: bits).classes == [1, 0])
    let bytes = try pair(npy("|u1", [2, 2], [0, 51, 255, 1]), npy("|u1", [2], [7, 3])).training
    let scaled = [0, 51, 255, 1].map { Float($0) * (Float(1) / 255) }
    #expect(Samples(of: bytes).inputs.flatMap { $0 } == scaled)
    #expect(bytes.classes == 8)
  }

  @Test func inputsAreScaledAsAsked() throws {
    let inputs = npy("|u1", [2, 2], [0, 51, 255, 1])
    func values(_ scale: String) throws -> [[Float]] {
      Samples(of: try pair(inputs, Self.labels, ["scale": scale]).training).inputs
    }
    #expect(try values("1") == [[0, 51], [255, 1]])
    #expect(try values("-0.5") == [[0, -25.5], [-127.5, -0.5]])
  }

  @Test func imagesHaveTheirChannelsInnermost() throws {
    let grey = try pair(npy("|u1", [2, 2, 3], Array(0..<12)), Self.labels, ["scale": "1"]).training
    #expect(grey.sampleShape == Shape([2, 3, 1]))
    #expect(Samples(of: grey).inputs[1] == (6..<12).map(Float.init))
    let colour = npy("|u1", [2, 3, 2, 2], Array(0..<24))
    let last = try pair(colour, Self.labels, ["scale": "1"]).training
    #expect(last.sampleShape == Shape([3, 2, 2]))
    #expect(Samples(of: last).inputs[0] == (0..<12).map(Float.init))
    let first = try pair(colour, Self.labels, ["scale": "1", "channels": "first"]).training
    #expect(first.sampleShape == Shape([2, 2, 3]))
    #expect(
      Samples(of: first).inputs[1] == [12, 16, 20, 13, 17, 21, 14, 18, 22, 15, 19, 23])
  }

  @Test func floatsAreNumbersAsTargets() throws {
    let data = try pair(
      npy("<f4", [2, 1], bytes([Float(1), 2])), npy("<f8", [2], bytes([0.5, -3.0]))
    ).training
    #expect(data.targets == .numbers && data.classes == 1)
    #expect(Samples(of: data).numbers == [0.5, -3])
  }

  @Test func aShareOfASinglePairIsHeldOut() throws {
    let folder = try TemporaryFolder()
    let x = try folder.write("x", npy("<i2", [50, 1], bytes((0..<50).map { Int16($0) })))
    let y = try folder.write("y", npy("<i4", [50], bytes((0..<50).map { Int32($0 % 7) })))
    let data = try openDataset("npy:\(x),\(y)", settings: ["heldout": "0.2"])
    #expect(data.training.count == 40 && data.heldOut.count == 10)
    for half in [data.training, data.heldOut] {
      let samples = Samples(of: half)
      #expect(samples.inputs.map { Int($0[0]) % 7 } == samples.classes)
      #expect(half.classes == 7)
    }
  }

  @Test(arguments: [false, true], [false, true])
  func archivesHoldFourArraysOrTwo(deflated: Bool, wide: Bool) throws {
    let folder = try TemporaryFolder()
    let members = [
      ("x_test.npy", npy("|u1", [1, 2], [9, 8])), ("y_train.npy", Self.labels),
      ("x_train.npy", npy("|u1", [2, 2], [1, 2, 3, 4])), ("y_test.npy", npy("|i1", [1], [2])),
      ("other.npy", [1, 2, 3]),
    ]
    let four = try folder.write("4.npz", zip(members, deflated: deflated, wide: wide))
    let data = try openDataset("npz:" + four, settings: ["scale": "1"])
    #expect(Samples(of: data.training).inputs == [[1, 2], [3, 4]])
    #expect(Samples(of: data.heldOut).inputs == [[9, 8]])
    #expect(Samples(of: data.heldOut).classes == [2] && data.training.classes == 3)
    let two = try folder.write(
      "2.npz",
      zip(
        [
          ("x.npy", npy("<f4", [20, 1], bytes((0..<20).map(Float.init)))),
          ("y.npy", npy("|u1", [20], Array(0..<20))),
        ], deflated: deflated, wide: wide))
    let split = try openDataset("npz:" + two)
    #expect(split.training.count == 18 && split.heldOut.count == 2)
  }

  @Test func wrongArraysAreNamed() throws {
    let good = npy("<f4", [2, 2], bytes([Float(1), 2, 3, 4]))
    func message(_ inputs: [UInt8], _ targets: [UInt8]? = nil) throws -> String {
      let folder = try TemporaryFolder()
      let (x, y) = (try folder.write("x", inputs), try folder.write("y", targets ?? Self.labels))
      return try problem("npy:\(x),\(y)", ["heldout": "0.5"], in: folder)
    }
    func header(_ text: String) throws -> String { try message(npy(header: text, [])) }
    #expect(
      try message([]) == "F/x: byte 0: no array file of NumPy: it begins with ''")
    #expect(
      try message(Array("PK\u{3}\u{4}abc".utf8))
        == "F/x: byte 0: no array file of NumPy: it begins with 'PK??ab...'")
    #expect(
      try message(npy("<f4", [1], [], version: 4))
        == "F/x: byte 6: version 4 of the format; 1 to 3 are read")
    #expect(
      try message(Array(good.prefix(50)))
        == "F/x: truncated: 50 bytes where the header needs 118 from byte 10 on")
    #expect(
      try message(Array(good.dropLast(3)))
        == "F/x: truncated: 141 bytes where the array of 2 x 2 needs 16 from byte 128 on")
    #expect(
      try message(good + [0]) == "F/x: byte 144: 1 trailing bytes behind the last element")
    #expect(
      try message(npy("<f4", [2, 2], bytes([Float(1), 2, .nan, 4])))
        == "F/x: byte 136: a value that is not a finite number")
    #expect(
      try message(npy("<f8", [2, 2], bytes([1, 1e300, 2, 4])))
        == "F/x: byte 136: a value that is not a finite number")
    #expect(
      try message(npy("<c8", [2, 1], []))
        == "F/x: byte 20: elements of the type '<c8'; f2, f4, f8, u1, u2, u4, i1, i2, i4, i8, "
        + "b1 are read, after < or >")
    #expect(
      try message(npy("<f4", [2, 2], bytes([Float(1), 2, 3, 4]), order: "True"))
        == "F/x: byte 10: an array in Fortran order; save it as numpy.ascontiguousarray(array)")
    #expect(
      try header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 99999999999999999999)}")
        == "F/x: byte 64: '999999999999...' where the header needs a possible extent")
    #expect(
      try header("{'descr': '<f4', 'fortran_order': False, 'shape': (100000000, 100000000)}")
        == "F/x: byte 81: an impossible shape")
    #expect(
      try header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2)}")
        == "F/x: byte 62: an impossible shape")
    #expect(
      try header("{'descr': '<f4', 'fortran_order': 0}")
        == "F/x: byte 44: '0}          ...' where the header needs True or False")
    #expect(
      try header("{'descr': '<f4', }")
        == "F/x: byte 10: descr, fortran_order and shape are needed")
    #expect(
      try header("{'colour': 1}")
        == "F/x: byte 21: the key 'colour' where one of descr, fortran_order, shape belongs")
    #expect(
      try header("{'descr': [('a', '<f4')]}")
        == "F/x: byte 20: '[('a', '<f4'...' where the header needs a string")
    #expect(
      try message(npy("<f4", [4], bytes([Float(1), 2, 3, 4])))
        == "F/x: an array of (4); (samples, features), (samples, height, width) or (samples, height,"
        + " width, channels) is needed")
    #expect(
      try message(good, npy("|u1", [3], [0, 1, 2]))
        == "F/y: an array of (3) where one target for each of 2 samples is needed")
    #expect(
      try message(good, npy("<i2", [2], bytes([Int16(1), -1])))
        == "F/y: byte 130: class -1; classes are 0 to 1,048,575 at most (targets that are numbers "
        + "are saved as floats)")
    #expect(
      try message(good, npy("<f4", [2], bytes([Float(1), .infinity])))
        == "F/y: byte 132: a value that is not a finite number")
  }

  @Test func halvesMustAgree() throws {
    let folder = try TemporaryFolder()
    let x = try folder.write("x", npy("|u1", [2, 2], [1, 2, 3, 4]))
    let wide = try folder.write("wide", npy("|u1", [2, 3], [1, 2, 3, 4, 5, 6]))
    let y = try folder.write("y", Self.labels)
    #expect(
      try problem("npy:\(x),\(y),\(wide),\(y)", in: folder)
        == "F/wide: u1 (2, 3) with classes where training has u1 (2, 2) with classes")
    for argument in ["a", "a,b,c", "a,b,c,d,e"] {
      #expect(
        #expect(throws: SettingError.self) { try openDataset("npy:" + argument) }?.description
          == "data=\(argument): npy:INPUTS,TARGETS[,INPUTS,TARGETS] is needed")
    }
    for (name, value, words) in [
      ("channels", "middle", "one of last, first"), ("scale", "x", "a number"),
    ] {
      #expect(
        #expect(throws: SettingError.self) {
          try openDataset("npy:\(x),\(y)", settings: [name: value])
        }?.description == "\(name)=\(value): \(words) is needed")
    }
  }

  @Test func anyDamageIsRefusedOrRead() throws {
    let folder = try TemporaryFolder()
    let y = try folder.write("y", npy("|u1", [4], [0, 1, 2, 1]))
    let pieces: [[UInt8]] =
      ["(", ")", ",", "'", "{", "}", "99999", "f8", "i1", ">", "-1", "True"].map { Array($0.utf8) }
      + [[0xFF, 0xFF, 0xFF, 0xFF], [0]]
    let inputs = npy("<f4", [4, 2], bytes((0..<8).map(Float.init)))
    try damage(inputs, name: "x", pieces: pieces, settings: ["heldout": "0.5"]) {
      "npy:\($0),\(y)"
    }
    let x = try folder.write("x", inputs)
    try damage(
      npy("<i2", [4], bytes([Int16(0), 1, 0, 1])), name: "y", pieces: pieces, trials: 100,
      settings: ["heldout": "0.5"]
    ) { "npy:\(x),\($0)" }
  }
}
