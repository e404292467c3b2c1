import Basics
import Testing

@Suite struct ShapeTests {
  @Test func bytesOfASampleFollowItsElements() {
    #expect(Shape([28, 28, 3]).bytesPerSample == 28 * 28 * 3 * 4)
    #expect(Shape([64], element: .index).bytesPerSample == 64 * 4)
    // However many features there are, a sparse sample is one row.
    #expect(Shape([1_000_000], element: .sparse).bytesPerSample == MemoryLayout<SparseRow>.stride)
    #expect(Shape([1_000_000], element: .sparse).count == 1_000_000)
    #expect(Shape([5], element: .sparse) != Shape([5]))
  }

  @Test(arguments: [0, -0.0, 1, -2.5, 3.7, .infinity] as [Float])
  func numbersPassThroughTargets(_ number: Float) {
    #expect(Float(target: number.target).bitPattern == number.bitPattern)
  }
}
