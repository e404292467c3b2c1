// Every all-reduce by name. A new one is a file and a line here; command line, tests, verifier and
// benchmarks take it from there.

import Basics

/// The all-reduce algorithms that a user can choose among.
public let allReduceCatalog = Catalog<any AllReduceAlgorithm>(
  "all-reduce", allReduceAlgorithms.map { (name: $0.name, entry: $0) })

private let allReduceAlgorithms: [any AllReduceAlgorithm] = [
  RingAllReduce(),
  SegmentedRingAllReduce(),
  TreeAllReduce(),
  DoubleTreeAllReduce(),
  RecursiveDoublingAllReduce(),
  HalvingDoublingAllReduce(),
  SharedMemoryAllReduce(),
  HierarchicalAllReduce(between: RingAllReduce()),
  HierarchicalAllReduce(between: SegmentedRingAllReduce()),
  HierarchicalAllReduce(between: DoubleTreeAllReduce()),
  HierarchicalAllReduce(between: RecursiveDoublingAllReduce()),
  HierarchicalAllReduce(between: HalvingDoublingAllReduce()),
  NativeAllReduce(),
  NativeAllReduce(blocking: false),
]
