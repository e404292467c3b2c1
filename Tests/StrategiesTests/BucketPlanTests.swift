import Basics
import Strategies
import Testing

@Suite struct BucketPlanTests {
  private func layout(_ sizes: [Int]) -> ParameterLayout {
    var layout = ParameterLayout()
    for (number, size) in sizes.enumerated() {
      _ = layout.append(
        ParameterRequest("t", shape: [size], initialisation: .constant(0)), prefix: "\(number)")
    }
    return layout
  }

  @Test(arguments: [1, 64, 400, 4_000, 1 << 30])
  func bucketsCoverTheBufferFromTheBack(_ bytes: Int) {
    let layout = layout([10, 100, 3, 700, 1, 33])
    let plan = BucketPlan(layout: layout, count: layout.count + 16, bytes: bytes)
    #expect(plan.ranges.first?.upperBound == layout.count + 16)
    #expect(plan.ranges.last?.lowerBound == 0)
    for (back, front) in zip(plan.ranges, plan.ranges.dropFirst()) {
      #expect(front.upperBound == back.lowerBound)
    }
    for range in plan.ranges {
      #expect(layout.tensors.contains { $0.range.lowerBound == range.lowerBound })
      #expect(range.count * 4 >= bytes || range.lowerBound == 0)
    }
  }

  @Test func theTailTravelsAloneWhereItMust() {
    let layout = layout([10, 100, 700])
    let apart = BucketPlan(layout: layout, count: layout.count + 16, bytes: 64, tailApart: true)
    let alone = BucketPlan(layout: layout, count: layout.count, bytes: 64)
    #expect(apart.ranges == [layout.count..<layout.count + 16] + alone.ranges)
  }

  @Test func oneLargeBucketIsEverything() {
    let layout = layout([5])
    #expect(BucketPlan(layout: layout, count: 32, bytes: 1 << 20).ranges == [0..<32])
  }
}
