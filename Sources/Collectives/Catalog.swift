// Every all-reduce by name. A new one is a file and a line here; command line, tests, verifier and
// benchmarks take it from there.

import Basics

/// The all-reduce algorithms that a user can choose among.
public let allReduceCatalog = Catalog<any AllReduceAlgorithm>(
  "all-reduce",
  [
    (RingAllReduce.name, RingAllReduce()),
    (TreeAllReduce.name, TreeAllReduce()),
    (NativeAllReduce.name, NativeAllReduce()),
  ])
