import Basics
import Testing

@testable import Datasets

@Suite struct TextWindowsTests {
  private func pair(
    _ bytes: [UInt8], _ settings: [String: String]
  ) throws -> (training: TextWindows, heldOut: TextWindows) {
    let folder = try TemporaryFolder()
    let pair = try openDataset("text:" + folder.write("text", bytes), settings: settings)
    return (
      try #require(pair.training as? TextWindows), try #require(pair.heldOut as? TextWindows)
    )
  }

  /// Windows as text: inputs, and targets.
  private func windows(_ data: TextWindows) -> [String] {
    let samples = Samples(of: data)
    return zip(samples.inputs, samples.targets).map { inputs, targets in
      func text(_ symbols: [Int32]) -> String {
        String(decoding: data.alphabet.bytes(of: symbols), as: UTF8.self)
      }
      return text(inputs.map(Int32.init)) + ">" + text(targets)
    }
  }

  @Test func targetsAreTheNextSymbols() throws {
    let text = Array("abcdefghijklmnopqrst".utf8)
    let (training, heldOut) = try pair(text, ["length": "4", "heldout": "0.25"])
    #expect(windows(training) == ["abcd>bcde", "efgh>fghi", "ijkl>jklm"])
    #expect(windows(heldOut) == ["pqrs>qrst"])
    #expect(training.sampleShape == Shape([4], element: .index))
    #expect(training.classes == 20 && training.targetsPerSample == 4)
    #expect(training.indexCounts == [20])
    #expect(heldOut.alphabet == training.alphabet)
  }

  @Test func stridesMayOverlapOrLeaveGaps() throws {
    let text = Array("abcdefghijklmnopqrst".utf8)
    let close = try pair(text, ["length": "3", "stride": "1", "heldout": "0.5"]).training
    #expect(
      windows(close)
        == "abcdefg".indices.map { at in
          let letters = Array("abcdefghij"),
            first = "abcdefg".distance(from: "abcdefg".startIndex, to: at)
          return String(letters[first..<first + 3]) + ">" + String(letters[first + 1..<first + 4])
        })
    let wide = try pair(text, ["length": "3", "stride": "6", "heldout": "0.5"]).training
    #expect(windows(wide) == ["abc>bcd", "ghi>hij"])
  }

  @Test func scalarsAreSymbolsInUTF8() throws {
    let text = "größer — größer 🐦 größer"
    let data = try pair(Array(("\u{FEFF}" + text).utf8), ["length": "5", "heldout": "0.4"]).training
    #expect(!data.alphabet.areBytes)
    #expect(data.alphabet.scalars == Set(text.unicodeScalars).sorted())
    #expect(windows(data)[0] == "größe>rößer")
    #expect(
      data.alphabet.symbols(of: "größer") == Samples(of: data).inputs[0].map(Int32.init) + [
        Int32(data.alphabet.scalars.firstIndex(of: "r")!)
      ])
    #expect(data.alphabet.symbols(of: "x") == nil)
    let all = try #require(data.alphabet.symbols(of: text))
    #expect(String(decoding: data.alphabet.bytes(of: all), as: UTF8.self) == text)
  }

  @Test func bytesAreSymbolsElsewhere() throws {
    let latin: [UInt8] = [0x67, 0x72, 0xF6, 0xDF, 0x65, 0x72, 0xFF, 0x00, 0x67, 0x72]
    let data = try pair(latin, ["length": "2", "heldout": "0.3"]).training
    #expect(data.alphabet.areBytes)
    #expect(data.alphabet.scalars.map { UInt8($0.value) } == Set(latin).sorted())
    let first = Samples(of: data).inputs.flatMap { $0.map(Int32.init) }
    #expect(data.alphabet.bytes(of: first) == Array(latin[0..<6]))
    #expect(data.alphabet.symbols(of: "gr")?.count == 2)
    #expect(data.alphabet.symbols(of: "ö") == nil)
  }

  @Test func wrongFilesAndSettingsAreNamed() throws {
    let folder = try TemporaryFolder()
    try folder.write("short", String(repeating: "ab", count: 50))
    #expect(
      try problem("text:" + folder.path + "/short", in: folder)
        == "F/short: 100 characters, of which heldout=0.1 holds out 10; both parts need more than "
        + "length=64")
    try folder.write("empty", "")
    #expect(
      try problem("text:" + folder.path + "/empty", in: folder)
        == "F/empty: empty; a text is needed")
    #expect(try problem("text:" + folder.path, in: folder) == "F: not a file")
    var scalars = String.UnicodeScalarView()
    for value in UInt32(0x1_0000)..<0x2_0001 { scalars.append(Unicode.Scalar(value)!) }
    try folder.write("many", String(scalars))
    #expect(
      try problem("text:" + folder.path + "/many", in: folder)
        == "F/many: 65,537 different characters; at most 65,536 are possible")
    for (name, value, words) in [
      ("length", "0", "a whole number from 1 to 1048576"),
      ("stride", "0", "a whole number from 1 to 1048576"),
      ("heldout", "0", "a number above 0 and below 1"),
    ] {
      let error = #expect(throws: SettingError.self) {
        try openDataset("text:" + folder.path + "/short", settings: [name: value])
      }
      #expect(error?.description == "\(name)=\(value): \(words) is needed")
    }
  }

  @Test func anyDamageIsRefusedOrRead() throws {
    try damage(
      Array("Größe und Grün: ein kurzer Text.".utf8), name: "text",
      pieces: [
        [0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0], [0xEF, 0xBB, 0xBF],
      ],
      trials: 150, settings: ["length": "3", "heldout": "0.3"]
    ) { "text:" + $0 }
  }
}
