import Basics
import Datasets
import Foundation
import Kernels
import Testing

@testable import Training

@Suite struct CheckpointFactsTests {
  private func facts(_ text: String) throws -> CheckpointFacts {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("apus-facts-\(UUID().uuidString)").path
    try AtomicFile.write(Data(text.utf8), to: path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let data = try openDataset("text:" + path, settings: ["length": "2"]).training
    return CheckpointFacts(
      step: 3, updates: 3, model: "gpt", strategy: "sync", optimizer: "adam", input: [2],
      classes: data.classes, batch: 4, samples: 9, seed: 1, lanes: 2, settings: ["width": "8"],
      layers: "- relu", coding: data.coding, methods: "0 f4, 3 direct")
  }

  /// Characters of all kinds, also those that JSON has ways of its own for.
  private static let text = String(
    repeating: "a\"\\/\u{0}\u{7F}\u{2028}\u{FEFF}\u{FFFE}\u{FFFF}\u{1F426}\u{E9}", count: 8)

  @Test func metadataHoldEverything() throws {
    let facts = try facts(Self.text)
    let file = try SafetensorsFile.encode([], metadata: facts.metadata())
    let read = try SafetensorsFile.decode(file, path: "file").metadata
    let again = try CheckpointFacts(read, path: "file")
    #expect(again == facts)
    #expect(again.coding?.numberings.first?.names?.count == 12)
  }

  /// Files of versions that kept no coding, or no lanes.
  @Test func whatEarlierVersionsLackMayBeMissing() throws {
    let facts = try facts("abcdefgh abcdefgh abcdefgh abcdefgh")
    var metadata = try facts.metadata()
    metadata["apus.coding"] = nil
    metadata["apus.lanes"] = nil
    metadata["apus.methods"] = nil
    let old = try CheckpointFacts(metadata, path: "file")
    #expect(old.coding == nil && old.lanes == nil)
    var job = facts
    job.lanes = nil
    try old.check(continues: job, path: "file")
    #expect(old.note(continues: job) == nil && facts.note(continues: facts) == nil)
    job.methods = "0 f2, 3 direct"
    #expect(facts.note(continues: job)?.contains("0 f4, 3 direct and are now as 0 f2") == true)
  }

  @Test func aDamagedListOfLayersIsOneOfTheFile() throws {
    var facts = try facts("abcdefgh abcdefgh abcdefgh abcdefgh")
    for text in ["[", "- nonsense", "dense: 3"] {
      facts.layers = text
      let error = #expect(throws: CheckpointError.self, "\(text)") {
        try facts.makeModel(
          for: SampleSpace(input: Shape([2]), classes: 2), capacity: 1, place: "file",
          kernels: KernelSelection.best)
      }
      #expect(error?.description.hasPrefix("file: the list of layers") == true)
    }
  }

  @Test func otherCharactersAreRefused() throws {
    let (one, other) = (
      try facts(String(repeating: "abc", count: 20)), try facts(String(repeating: "abd", count: 20))
    )
    #expect {
      try one.check(continues: other, path: "file")
    } throws: {
      "\($0)" == "file: made with other data (the characters 'a', 'b', 'c'; these have other"
        + " characters: 'd'): this job cannot go on from it"
    }
    var damaged = try one.metadata()
    damaged["apus.coding"] = "{"
    #expect(throws: CheckpointError.self) { try CheckpointFacts(damaged, path: "file") }
  }
}
