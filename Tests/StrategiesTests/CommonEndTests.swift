import Testing

@testable import Strategies

@Suite struct CommonEndTests {
  @Test func theEndLiesBehindTheFurthestWorker() {
    var end = CommonEnd(workers: 1..<4)
    for (worker, answers) in [(1, 4), (2, 7), (3, 5)] {
      for _ in 0..<answers { end.answered(worker) }
    }
    end.consider(wantsToStop: false, loss: 1)
    #expect(end.note.lastStep == .max)
    end.consider(wantsToStop: true, loss: 1)
    #expect(end.note.lastStep == 8 && !end.note.isDivergence)
    end.answered(2)
    end.consider(wantsToStop: true, loss: .nan)
    #expect(end.note.lastStep == 8 && !end.note.isDivergence, "what was said is not taken back")
  }

  @Test func aReportTellsOfTheEndInItsStepAlone() {
    var end = CommonEnd(workers: 0..<1)
    end.answered(0)
    end.consider(wantsToStop: false, loss: .infinity)
    let note = PushNote(samples: 3, loss: .nan)
    let before = StepReport(served: note, step: 1, end: end.note)
    #expect(before.loss == 0 && before.samples == 0 && before.stopVotes == 0 && before.isGlobal)
    #expect(StepReport(served: note, step: 2, end: end.note).loss.isNaN)
  }

  @Test func storedNumbersAreExact() {
    let numbers = StoredNumbers(2)
    for value in [0, 1, 1 << 24 - 1, 1 << 24, 123_456_789_012_345, 1 << 48 - 1] {
      numbers[1] = value
      #expect(numbers[1] == value && numbers[0] == 0)
    }
    numbers.buffer[0] = .nan
    numbers.buffer[1] = -3
    #expect(numbers[0] == 0)
  }
}
