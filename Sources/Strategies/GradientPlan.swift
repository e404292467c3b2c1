// What is settled about a step before the first one: in which buckets gradients travel, how each is
// summed over ranks, and who updates which parameters. A pure function of layout, topology and job,
// so every rank knows everybody's part.
//
//                gradients of a bucket        update              parameters of a bucket
//   replicated   all-reduce                   all of it           -
//   sharded      reduce-scatter               what the rank owns  all-gather
//
// Sharding follows ZeRO's first two stages (Rajbhandari et al.: ZeRO: memory optimizations toward
// training trillion parameter models, SC 2020), with the owners that the all-reduce algorithm's own
// halves give: the bytes are those of the all-reduce, and the bits are those of the replicated
// update, because owners hold the very sums that the all-reduce gives and optimizers work element by
// element. With clipping every rank needs the norm of the whole gradient, summed in one order: then
// the gradient is all-reduced in full, half as many bytes again. Parameters travel as float32 in
// any wire format.
//
// With a fixed number of lanes the sum over lanes takes the all-reduce's place, halves and all: then
// neither the ranks, nor who updates what, nor the buckets leave a trace in the result.

import Basics
import Collectives

/// Who updates parameters.
public enum UpdatePlacement: String, Sendable, CaseIterable {
  /// Every rank all of them.
  case replicated
  /// Every rank its part; what the optimizer keeps is divided among the ranks.
  case sharded
}

/// How a step's gradients come together and become an update.
public struct GradientPlan: Sendable {
  /// Where tensors lie.
  public let layout: ParameterLayout
  /// The ranks.
  public let topology: Topology
  /// The cut of the gradient buffer.
  public let buckets: BucketPlan
  /// Whether every rank updates a part of the parameters only.
  public let isSharded: Bool

  /// The sum over lanes, where their number is fixed.
  public let laneSum: LaneSum?

  private let allReduce: any AllReduceAlgorithm
  private let wire: WireFormat
  private let sumsEverywhere: Bool

  /// - Parameters:
  ///   - allReduce: of no account where there are lanes, whose sum travels as float32.
  ///   - lanes: parts of every step's samples whose gradients are summed in an order of their own;
  ///     nil: one per rank, in the order of the all-reduce.
  ///   - bucketBytes: gradients that travel at once.
  ///   - needsWholeGradient: every rank looks at all of the summed gradient (clipping).
  public init(
    layout: ParameterLayout, topology: Topology, allReduce: any AllReduceAlgorithm,
    wire: WireFormat = .float32, bucketBytes: Int, update: UpdatePlacement = .replicated,
    needsWholeGradient: Bool = false, lanes: Int? = nil
  ) {
    (self.layout, self.topology) = (layout, topology)
    (self.allReduce, self.wire) = (allReduce, wire)
    isSharded = update == .sharded && topology.ranks > 1
    sumsEverywhere = !isSharded || needsWholeGradient
    let count = layout.count + Tally.length
    laneSum = lanes.map { LaneSum(lanes: $0, topology: topology, stride: count) }
    precondition(lanes == nil || wire == .float32, "the sum over lanes is not rounded on its way")
    buckets = BucketPlan(
      layout: layout, count: count, bytes: bucketBytes,
      tailApart: wire != .float32)
  }

  /// Floats of the gradient vector, tally included; the sum lies at its beginning.
  public var gradientCount: Int { (laneSum?.slots ?? 1) * (layout.count + Tally.length) }

  /// What `rank` computes one after the other, and where; without lanes, all of its batch at once.
  func steps(of rank: Int) -> [LaneSum.Step] {
    laneSum?.steps(of: rank) ?? [LaneSum.Step(lane: rank, slot: 0, additions: [])]
  }

  /// The part of a bucket whose sum `rank` holds after a reduce-scatter.
  private func owned(_ bucket: Int, by rank: Int) -> Range<Int> {
    let range = buckets.ranges[bucket]
    if let laneSum { return laneSum.owned(by: rank, range) }
    let owned = allReduce.owned(by: rank, topology: topology, count: range.count)
    return range.lowerBound + owned.lowerBound..<range.lowerBound + owned.upperBound
  }

  /// The parameters of a bucket that `rank` updates.
  public func updated(_ bucket: Int, by rank: Int) -> Range<Int> {
    (isSharded ? owned(bucket, by: rank) : buckets.ranges[bucket]).clamped(to: 0..<layout.count)
  }

  /// All that `rank` updates, bucket by bucket; where that is everything, in one piece.
  public func updated(by rank: Int) -> [Range<Int>] {
    guard isSharded else { return [0..<layout.count] }
    return buckets.ranges.indices.map { updated($0, by: rank) }.filter { !$0.isEmpty }
  }

  /// The part of the gradient vector that the sum of a bucket is run on.
  func window(_ bucket: Int) -> Range<Int> {
    laneSum == nil ? buckets.ranges[bucket] : 0..<gradientCount
  }

  /// What sums a bucket's gradients, to be run on its window. The tally, which every rank needs,
  /// does not stay scattered.
  func sum(_ bucket: Int, rank: Int) -> Schedule {
    let range = buckets.ranges[bucket]
    guard !sumsEverywhere else {
      return laneSum?.schedule(rank: rank, range)
        ?? allReduce.schedule(rank: rank, topology: topology, count: range.count)
    }
    let scatter =
      laneSum?.reduceScatter(rank: rank, range)
      ?? allReduce.reduceScatter(rank: rank, topology: topology, count: range.count)
    let start = window(bucket).lowerBound
    let tally = (0..<topology.ranks).map { rank in
      let part = owned(bucket, by: rank)
      let first = max(part.lowerBound, layout.count)
      return first - start..<max(first, part.upperBound) - start
    }
    return scatter + DirectGather.schedule(rank: rank, blocks: tally)
  }

  /// The form in which a bucket's gradients travel. The tally counts, and statistics are no
  /// gradients: they are not rounded.
  func wire(_ bucket: Int) -> WireFormat {
    buckets.ranges[bucket].lowerBound >= layout.trained.upperBound ? .float32 : wire
  }

  /// What spreads a bucket's updated parameters, to be run on a parameter vector that is as long as
  /// a gradient with its tally.
  func spread(_ bucket: Int, rank: Int) -> Schedule {
    let range = buckets.ranges[bucket]
    return laneSum?.allGather(rank: rank, range)
      ?? allReduce.allGather(rank: rank, topology: topology, count: range.count)
      .placed(at: range.lowerBound, ranks: Array(0..<topology.ranks))
  }
}
