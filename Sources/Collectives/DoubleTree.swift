// Double binary tree: two binary trees over all ranks, each of which carries half of the vector, in
// segments, up to its root and, as soon as a segment is summed, down again. An inner node of one
// tree is a leaf of the other, so that every rank sends and receives alike: bytes as good as
// optimal, and logarithmic latency, for any number of ranks.
//
// P. Sanders, J. Speck, J. L. Träff: Two-tree algorithms for full bandwidth broadcast, reduction
// and scan, Parallel Computing 35 (2009).
//
//   rounds   s + 2 h - 1, where half a vector has s segments and h = floor(log2 n)
//   messages at most 4 s per rank, in segments
//   elements at most 2 count per rank

/// All-reduce on two trees at once.
public struct DoubleTreeAllReduce: AllReduceAlgorithm {
  public let name = "double-tree"
  public let summary = "two trees in segments: middle lengths, many ranks"
  /// Bytes of a segment, about.
  public let segmentBytes: Int
  /// Most segments of half a vector; longer vectors have longer segments.
  public let segmentLimit: Int

  /// Vectors shorter than two segments go up and down the trees in one piece each.
  public init(segmentBytes: Int = 128 << 10, segmentLimit: Int = 128) {
    precondition(segmentBytes > 0 && segmentLimit > 0, "segments have a length")
    (self.segmentBytes, self.segmentLimit) = (segmentBytes, segmentLimit)
  }

  /// All messages of a round number begin and end together on all ranks: a segment is one level
  /// higher, or deeper, in each.
  public func schedule(rank: Int, topology: Topology, count: Int) -> Schedule {
    let ranks = topology.ranks
    let segments = segmentCount((count + 1) / 2, bytes: segmentBytes, limit: segmentLimit)
    let nodes = [
      TreeNode(label: rank + 1, of: ranks) { $0 - 1 },
      TreeNode(label: rank == 0 ? ranks : rank, of: ranks) { $0 % ranks },
    ]
    let height = TreeNode.height(ranks)
    var rounds = [[Transfer]](repeating: [], count: max(0, segments + 2 * height - 1))
    for (half, node) in nodes.enumerated() {
      let part = evenBlock(half, of: 2, count: count)
      for number in 0..<segments {
        let range = segment(number, of: segments, in: part)
        let up = number + height - node.depth
        let down = number + height + node.depth
        for child in node.children {
          rounds[up - 1].append(.receive(range, from: child, .add))
          rounds[down].append(.send(range, to: child))
        }
        if let parent = node.parent {
          rounds[up].append(.send(range, to: parent))
          rounds[down - 1].append(.receive(range, from: parent, .copy))
        }
      }
    }
    return Schedule(rounds).withoutEmptyTransfers()
  }
}

/// A place in the binary tree over the labels 1 ... n that is sorted from left to right: a label's
/// level is its lowest one bit, so odd labels are leaves. A second tree in which each rank has the
/// label of its neighbour therefore has its inner nodes where this one has leaves.
private struct TreeNode {
  let parent: Int?
  let children: [Int]
  /// Edges to the root.
  let depth: Int

  /// - Parameter rank: the rank of a label.
  init(label: Int, of ranks: Int, rank: (Int) -> Int) {
    parent = Self.parent(label, ranks).map(rank)
    children = Self.children(label, ranks).map(rank)
    depth = sequence(first: label) { Self.parent($0, ranks) }.reduce(-1) { count, _ in count + 1 }
  }

  /// Depth of the deepest leaf.
  static func height(_ ranks: Int) -> Int { Int.bitWidth - 1 - ranks.leadingZeroBitCount }

  private static func level(_ label: Int) -> Int { label & -label }

  /// One level up, to the right or to the left; where labels end before that, further left.
  private static func parent(_ label: Int, _ ranks: Int) -> Int? {
    let without = label - level(label)
    let above = without | 2 * level(label)
    if above <= ranks { return above }
    return without > 0 ? without : nil
  }

  private static func children(_ label: Int, _ ranks: Int) -> [Int] {
    var step = level(label) / 2
    guard step > 0 else { return [] }
    let left = label - step
    while step > 0 && label + step > ranks { step /= 2 }
    return step > 0 ? [left, label + step] : [left]
  }
}
