import Testing

@testable import Training

@Suite struct JobTests {
  private func refusal(_ change: (String) -> String) throws -> String {
    do {
      _ = try Job(yaml: change(Job().yaml()), path: "job.yaml")
      return "accepted"
    } catch {
      #expect(ExitCode(for: error) == .badData)
      return "\(error)"
    }
  }

  @Test func aJobSurvivesYAML() throws {
    var job = Job()
    (job.steps, job.clip, job.checkpointEvery, job.referenceBatch) = (7, 0.5, 3, 64)
    (job.settings, job.seed, job.learningRate) = (["momentum": "0.9"], .max, 0.1)
    #expect(try Job(yaml: job.yaml(), path: "") == job)
    #expect(try Job(yaml: Job().yaml(), path: "") == Job())
  }

  @Test func runsOfEarlierVersionsGoOn() throws {
    let yaml = try Job().yaml()
    #expect(yaml.contains("wire: float32\n"))
    #expect(try Job(yaml: yaml.replacing("wire: float32\n", with: ""), path: "") == Job())
    var job = Job()
    job.wire = "bfloat16"
    #expect(try Job(yaml: job.yaml(), path: "") == job)
  }

  @Test func aByteOrderMarkIsPassedOver() throws {
    #expect(try Job(yaml: "\u{FEFF}batch: 5\n", path: "job.yaml", isPartial: true).batch == 5)
  }

  @Test func mistakesInAJobAreNamed() throws {
    #expect(try refusal { $0 + "learning_rate: 5\n" }.contains("did you mean 'learning-rate'"))
    #expect(
      try refusal { $0.replacing("batch: 128", with: "batch: many") }
        .contains("'batch: many' will not do"))
    #expect(try refusal { $0.replacing("batch: 128\n", with: "") }.contains("'batch' is missing"))
    #expect(try refusal { _ in "" }.contains("no keys"))
    #expect(try refusal { _ in "a: [" }.contains("not YAML"))
  }
}
