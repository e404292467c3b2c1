import Basics
import Datasets
import Kernels
import Layers
import Messaging
import Testing

@testable import Training

/// Three samples whose entries are of any kind.
private final class Few: Dataset, @unchecked Sendable {
  let count = 3
  let sampleShape: Shape
  let classes: Int
  let targets: TargetKind
  let targetsPerSample: Int
  private let places: UnsafeMutablePointer<Int32>
  private let values: UnsafeMutablePointer<Float>
  private let target: Int32

  init(
    _ element: Shape.Element = .float, value: Float = 1, place: Int32 = 2, target: Int32 = 0,
    kind: TargetKind = .classes, classes: Int = 2, targetsPerSample: Int = 1
  ) {
    sampleShape = Shape([4], element: element)
    (self.target, targets, self.classes) = (target, kind, classes)
    self.targetsPerSample = targetsPerSample
    places = .allocate(capacity: 4)
    places.initialize(repeating: place, count: 4)
    values = .allocate(capacity: 4)
    values.initialize(repeating: value, count: 4)
  }

  deinit {
    places.deallocate()
    values.deallocate()
  }

  func read(
    _ indices: UnsafeBufferPointer<Int32>, inputs: UnsafeMutableRawPointer,
    targets: UnsafeMutablePointer<Int32>, context: ReadContext, kernels: KernelTable
  ) {
    for place in 0..<indices.count {
      let sample = inputs + place * sampleShape.bytesPerSample
      switch sampleShape.element {
      case .float: sample.copyMemory(from: values, byteCount: 16)
      case .index: sample.copyMemory(from: places, byteCount: 16)
      case .sparse:
        sample.storeBytes(
          of: SparseRow(indices: places, values: values, count: 2), as: SparseRow.self)
      }
      for number in 0..<targetsPerSample { targets[place * targetsPerSample + number] = target }
    }
  }
}

@Suite struct DataIdentityTests {
  private func complaints(_ a: Few, _ b: Few) throws -> [String] {
    try LocalWorld.run(ranks: 2) { communicator in
      let mine = communicator.rank == 0 ? a : b
      do {
        try DataIdentity(of: [mine], kernels: KernelSelection.best)
          .check("few", Agreement(over: communicator))
        return ""
      } catch { return "\(error)" }
    }
  }

  /// Equal data lie at different addresses on different ranks.
  @Test(arguments: [Shape.Element.float, .index, .sparse])
  func equalDataAreEqual(_ element: Shape.Element) throws {
    #expect(try complaints(Few(element), Few(element)) == ["", ""])
  }

  @Test func anyDifferenceIsFound() throws {
    let others: [(Few, Few)] = [
      (Few(), Few(value: 2)), (Few(), Few(target: 1)), (Few(), Few(classes: 3)),
      (Few(.index), Few(.index, place: 3)), (Few(.sparse), Few(.sparse, value: 2)),
      (Few(.sparse), Few(.sparse, place: 1)), (Few(.float), Few(.sparse)),
      (Few(), Few(kind: .numbers)), (Few(), Few(targetsPerSample: 2)),
    ]
    for (number, (a, b)) in others.enumerated() {
      let texts = try complaints(a, b)
      #expect(
        texts[0]
          == "few: ranks have different data under this name; give every node the same files",
        "difference \(number)")
      #expect(texts[1].hasPrefix("SharedFailure"))
    }
  }

  @Test func targetsMustFitTheLoss() throws {
    let network = try Network(
      Dense(2), input: Shape([4]), capacity: 3, kernels: KernelSelection.best)
    try network.requireTargets(of: Few(), named: "few")
    func message(_ data: Few) -> String? {
      #expect(throws: UsageError.self) { try network.requireTargets(of: data, named: "few") }?
        .description
    }
    #expect(
      message(Few(kind: .numbers))
        == "the targets of few are numbers; the model's loss is for classes")
    #expect(
      message(Few(targetsPerSample: 4))
        == "few has 4 targets per sample; the model predicts 1")
  }
}
