import Testing

@testable import Collectives

/// What tests of all algorithms run over: the catalogue, and algorithms that cut into segments with
/// segments so short that test vectors have several.
struct Subject: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let algorithm: any AllReduceAlgorithm

  static let all: [Subject] =
    allReduceCatalog.entries.map { Subject(testDescription: $0.name, algorithm: $0.entry) } + [
      Subject(
        testDescription: "segmented-ring of 64 bytes",
        algorithm: SegmentedRingAllReduce(segmentBytes: 64, segmentLimit: 5)),
      Subject(
        testDescription: "double-tree of 64 bytes",
        algorithm: DoubleTreeAllReduce(segmentBytes: 64, segmentLimit: 7)),
      Subject(
        testDescription: "hierarchical-double-tree of 64 bytes",
        algorithm: HierarchicalAllReduce(
          between: DoubleTreeAllReduce(segmentBytes: 64, segmentLimit: 7))),
    ]
}
