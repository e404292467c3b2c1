// One rank's lanes as parts of the tree over all lanes. Computed in order, nodes wait on a stack
// until their sibling is complete, like the digits of a number that is counted up.

/// The nodes of the tree that lie within consecutive lanes.
struct LaneForest {
  struct Step {
    let lane: Int
    /// Nodes that wait when the lane is computed.
    let depth: Int
    /// Additions that it completes, each of the last node to the one before it.
    let merges: Int
  }

  private struct Node {
    let first: Int
    /// Lanes of the node in a tree without end.
    var size: Int
    var end: Int
  }

  private(set) var steps: [Step] = []
  /// First lanes of the nodes that are left, ascending.
  let roots: [Int]
  /// Most nodes at a time.
  private(set) var deepest = 0

  init(of mine: Range<Int>, among lanes: Int) {
    var waiting: [Node] = []
    for lane in mine {
      let depth = waiting.count
      waiting.append(Node(first: lane, size: 1, end: lane + 1))
      deepest = max(deepest, waiting.count)
      var merges = 0
      while waiting.count > 1 {
        let (left, right) = (waiting[waiting.count - 2], waiting[waiting.count - 1])
        let end = min(left.first + 2 * left.size, lanes)
        // The two are siblings, and the right one is complete.
        guard left.first % (2 * left.size) == 0, right.first == left.first + left.size,
          right.end == end
        else { break }
        waiting.removeLast()
        waiting[waiting.count - 1] = Node(first: left.first, size: 2 * left.size, end: end)
        merges += 1
      }
      steps.append(Step(lane: lane, depth: depth, merges: merges))
    }
    roots = waiting.map(\.first)
  }
}
