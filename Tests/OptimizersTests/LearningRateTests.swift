import Basics
import Optimizers
import Testing

@Suite struct LearningRateTests {
  private func rate(_ rate: LearningRate, _ step: Int, perEpoch: Int = 10, total: Int = 100)
    -> Float
  { rate.rate(step: step, stepsPerEpoch: perEpoch, totalSteps: total) }

  @Test func constantStaysWhereItIs() {
    let constant = LearningRate(0.1)
    for step in [0, 1, 99, 100, 5000] { #expect(rate(constant, step) == 0.1) }
  }

  @Test func stepChangesEverySoManyEpochs() throws {
    let schedule = try scheduleCatalog.make("step", ["every": "3"])
    let steps = LearningRate(1, schedule: schedule)
    #expect(rate(steps, 0) == 1)
    #expect(rate(steps, 29) == 1)
    #expect(rate(steps, 30) == 0.1)
    #expect(abs(rate(steps, 60) - 0.01) < 1e-9)
    #expect(abs(rate(steps, 99) - 0.001) < 1e-9)
  }

  @Test func stepChangesAtMilestones() throws {
    let schedule = try scheduleCatalog.make("step", ["milestones": "3,6.5,8", "factor": "0.5"])
    let steps = LearningRate(8, schedule: schedule)
    let expected: [(Int, Float)] = [(29, 8), (30, 4), (64, 4), (65, 2), (79, 2), (80, 1), (99, 1)]
    for (step, value) in expected { #expect(rate(steps, step) == value, "step \(step)") }
  }

  @Test func cosineRunsFromBaseToFloor() throws {
    let cosine = LearningRate(1, schedule: try scheduleCatalog.make("cosine", ["floor": "0.2"]))
    #expect(rate(cosine, 0) == 1)
    #expect(abs(rate(cosine, 50) - 0.6) < 1e-7)
    #expect(rate(cosine, 99) > 0.2 && rate(cosine, 99) < 0.201)
    #expect(abs(rate(cosine, 100) - 0.2) < 1e-7)
    #expect(rate(cosine, 1000) == rate(cosine, 100))
    #expect(rate(LearningRate(1, schedule: CosineSchedule()), 0, perEpoch: 1, total: 1) == 1)
  }

  @Test func warmupIsALinearRampToTheSchedule() throws {
    let ramp = LearningRate(1, warmup: .epochs(2))
    for step in 0..<20 { #expect(rate(ramp, step) == Float(Double(step + 1) / 20)) }
    #expect(rate(ramp, 20) == 1)

    // The cosine begins where the ramp ends.
    let cosine = LearningRate(0.4, schedule: CosineSchedule(), warmup: .steps(20))
    #expect(rate(cosine, 0) == 0.02)
    #expect(rate(cosine, 19) == 0.4)
    #expect(rate(cosine, 20) == 0.4)
    #expect(abs(rate(cosine, 60) - 0.2) < 1e-7)
    #expect(rate(cosine, 99) > 0)
    let rates = (19..<100).map { rate(cosine, $0) }
    #expect(zip(rates, rates.dropFirst()).allSatisfy { $0 >= $1 })

    // Milestones count from the beginning of the run.
    let step = LearningRate(1, schedule: StepSchedule(every: 3), warmup: .epochs(1))
    #expect(rate(step, 29) == 1 && rate(step, 30) == 0.1)
    // A ramp longer than the run is cut off, not a division by zero.
    let long = LearningRate(1, schedule: CosineSchedule(), warmup: .epochs(50))
    #expect(rate(long, 99) == 0.2)
  }

  @Test func warmupIsReadFromText() throws {
    #expect(try Warmup("5") == .epochs(5))
    #expect(try Warmup("0.5") == .epochs(0.5))
    #expect(try Warmup("500steps") == .steps(500))
    #expect(Warmup.epochs(0.25).steps(perEpoch: 10) == 3)
    for text in ["", "-1", "nan", "inf", "5 epochs", "-5steps", "1e9"] {
      let error = #expect(throws: SettingError.self) { try Warmup(text) }
      #expect(error?.setting == "warmup" && error?.value == text)
    }
  }

  @Test func theLinearScalingRuleMultipliesWithTheBatch() {
    #expect(LearningRate.linearlyScaled(0.1, globalBatch: 8192, referenceBatch: 256) == 3.2)
    #expect(LearningRate.linearlyScaled(0.1, globalBatch: 256, referenceBatch: 256) == 0.1)
  }

  @Test func catalogueRefusesWhatWillNotDo() {
    for (name, given) in [
      ("cosine", ["floor": "1.5"]), ("cosine", ["floor": "nan"]), ("step", ["every": "0"]),
      ("step", ["every": "2", "milestones": "3"]),
      ("step", ["factor": "-1"]), ("step", ["milestones": "30,x"]),
    ] {
      #expect(throws: SettingError.self) { try scheduleCatalog.make(name, given) }
    }
    #expect(throws: UnknownName.self) { try scheduleCatalog.make("constant", ["floor": "1"]) }
    #expect(throws: UnknownName.self) { try scheduleCatalog.make("cosin") }
  }

  @Test func clippingLimitsTheNorm() {
    let clip = GradientClip(limit: 2)
    #expect(clip.factor(norm: 0) == 1)
    #expect(clip.factor(norm: 2) == 1)
    #expect(clip.factor(norm: 8) == 0.25)
    #expect(clip.factor(norm: .nan) == 1)
    #expect(clip.factor(norm: .infinity) == 1)
  }
}
