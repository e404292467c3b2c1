import Foundation
import Testing

@testable import Training

@Suite struct SafetensorsFileTests {
  private func example() throws -> Data {
    try SafetensorsFile.encode(
      [
        TensorValues(name: "0.weight", shape: [2, 3]) { place in
          for index in 0..<6 { place[index] = Float(index) }
        },
        TensorValues(name: "0.bias", shape: [2]) { $0.update(repeating: -1, count: 2) },
        TensorValues(name: "empty", shape: [0]) { _ in },
      ], metadata: ["apus.model": "linear"])
  }

  @Test func whatIsWrittenIsRead() throws {
    let contents = try SafetensorsFile.decode(try example(), path: "x")
    #expect(contents.metadata["apus.model"] == "linear")
    #expect(contents.tensors["0.weight"]?.shape == [2, 3])
    #expect(contents.withValues("0.weight") { Array($0) } == [0, 1, 2, 3, 4, 5])
    #expect(contents.withValues("0.bias") { Array($0) } == [-1, -1])
    #expect(contents.withValues("none") { Array($0) } == nil)
    #expect(try example() == example(), "equal contents give equal bytes")
  }

  /// The layout that safetensors' README describes, read by hand.
  @Test func theLayoutIsSafetensors() throws {
    let data = try example()
    let length = Int(
      data.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self).littleEndian })
    let header = try #require(
      JSONSerialization.jsonObject(with: data.subdata(in: 8..<8 + length)) as? [String: Any])
    let weight = try #require(header["0.weight"] as? [String: Any])
    #expect(weight["dtype"] as? String == "F32")
    #expect(weight["data_offsets"] as? [Int] == [0, 24])
    #expect((header["0.bias"] as? [String: Any])?["data_offsets"] as? [Int] == [24, 32])
    #expect(data.count == 8 + length + 32)
    #expect((8 + length) % 8 == 0)
  }

  @Test func everyFlippedBitIsNoticed() throws {
    let data = try example()
    for place in data.indices {
      var damaged = data
      damaged[place] ^= 1 << (place % 8)
      #expect(throws: CheckpointError.self, "byte \(place)") {
        _ = try SafetensorsFile.decode(damaged, path: "x")
      }
    }
  }

  @Test func everyTruncationIsNoticed() throws {
    let data = try example()
    for length in 0..<data.count {
      #expect(throws: CheckpointError.self, "\(length) bytes") {
        try SafetensorsFile.decode(data.prefix(length), path: "x")
      }
    }
  }

  /// A file with a header of somebody else's.
  private func file(_ header: String, values: Int) -> Data {
    var data = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    data.append(Data(header.utf8))
    data.append(Data(count: values))
    return data
  }

  @Test func tensorsLieOneBehindTheOther() throws {
    func header(_ a: ClosedRange<Int>, _ b: ClosedRange<Int>) -> String {
      let entries = [("a", a), ("b", b)].map { name, place in
        let offsets = [place.lowerBound, place.upperBound]
        return
          "\"\(name)\":{\"dtype\":\"F32\",\"shape\":[\(place.count / 4)],\"data_offsets\":\(offsets)}"
      }
      return "{" + entries.joined(separator: ",") + "}"
    }
    _ = try SafetensorsFile.decode(file(header(0...8, 8...16), values: 16), path: "x")
    _ = try SafetensorsFile.decode(file(header(8...16, 0...8), values: 16), path: "x")
    _ = try SafetensorsFile.decode(file(header(8...8, 0...8), values: 8), path: "x")
    let cases: [(String, Int, String)] = [
      (header(0...8, 4...12), 12, "tensor 'b' overlaps tensor 'a'"),
      (header(0...8, 0...8), 8, "tensor 'b' overlaps tensor 'a'"),
      (header(0...8, 12...16), 16, "4 bytes between tensor 'a' and tensor 'b' belong to no tensor"),
      (header(4...8, 8...12), 12, "4 bytes between the header and tensor 'a' belong to no tensor"),
      (header(0...8, 8...12), 20, "8 bytes behind tensor 'b' belong to no tensor"),
    ]
    for (header, values, words) in cases {
      let error = #expect(throws: CheckpointError.self, "\(words)") {
        try SafetensorsFile.decode(file(header, values: values), path: "x")
      }
      #expect(error?.description == "x: " + words)
    }
  }

  /// An export of nothing would be taken for a success.
  @Test func stateAloneIsNoModel() throws {
    let folder = try TemporaryFolder()
    let facts = CheckpointFacts(
      step: 1, updates: 1, model: "linear", strategy: "sync", optimizer: "adam", input: [2],
      classes: 2, batch: 1, samples: 1, seed: 1)
    let tensor = TensorValues(name: "optimizer.x.weight", shape: [1]) { $0[0] = 1 }
    try AtomicFile.write(
      try SafetensorsFile.encode([tensor], metadata: facts.metadata()), to: folder("state"))
    let error = #expect(throws: CheckpointError.self) {
      try StoredModel(at: folder("state")).export(to: folder("model"))
    }
    #expect(error?.description.contains("no tensors of a model") == true)
    #expect(!FileManager.default.fileExists(atPath: folder("model")))
  }

  @Test func foreignHeadersThatLieAreRefused() {
    let lies = [
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
      #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
      #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#,
      #"{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#,
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#,
      #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#,
      #"{"a":{"dtype":"F32","shape":[2305843009213693951],"data_offsets":[0,9223372036854775804]}}"#,
      #"{"a":3}"#, #"[1]"#, "",
    ]
    for header in lies {
      #expect(throws: CheckpointError.self, "\(header)") {
        try SafetensorsFile.decode(file(header, values: 8), path: "x")
      }
    }
  }
}
