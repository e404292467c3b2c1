import Basics
import Datasets
import Testing

@Suite struct CatalogTests {
  private func message(_ specification: String) -> String {
    do {
      _ = try openDataset(specification)
      return "opened"
    } catch { return "\(error)" }
  }

  @Test func everyFormatHasALineOfHelp() {
    #expect(
      datasetCatalog.names == [
        "fashion-mnist", "generated", "idx", "cifar10", "libsvm", "csv", "npy", "npz", "text",
        "movielens",
      ])
    #expect(datasetCatalog.entries.allSatisfy { !$0.entry.summary.isEmpty })
    let settings = datasetCatalog.entries.flatMap(\.entry.settings)
    #expect(settings.allSatisfy { !$0.help.isEmpty })
  }

  @Test func wrongSpecificationsSayWhatIsNeeded() {
    #expect(message("fashion").contains("did you mean 'fashion-mnist'?"))
    #expect(message("genrated:5,5").contains("did you mean 'generated'?"))
    #expect(message("").hasPrefix("unknown data set ''"))
    #expect(message("idx") == "data=idx: idx:FOLDER is needed")
    #expect(message("idx:") == "data=idx:: idx:FOLDER is needed")
    #expect(message("fashion-mnist:x") == "data=fashion-mnist:x: fashion-mnist alone is needed")
    #expect(message("/data/mnist").contains("idx:FOLDER"))
    for text in ["generated:5", "generated:5,0", "generated:a,b", "generated:5,5,5"] {
      #expect(message(text).hasSuffix("as in generated:12000,2000"), "\(text)")
    }
    #expect(message("idx:/nowhere") == "/nowhere: no such folder")
  }

  @Test func aFormatKnowsItsSettings() throws {
    let error = #expect(throws: UnknownName.self) {
      try openDataset("generated:20,10", settings: ["augment": "true"])
    }
    #expect(error?.description == "unknown generated setting 'augment' (there is none)")
    let specification = try DatasetSpecification("generated:20,10")
    #expect(specification.name == "generated")
    #expect(try specification.open().training.count == 20)
  }
}
