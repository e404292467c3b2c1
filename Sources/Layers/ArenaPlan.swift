// Where everything that lives during a step lies in the arena: offsets in floats, fixed before step
// 0, every one on a cache line. Arrays that are never needed at the same time share memory: the
// largest are placed first, each at the lowest offset that is free for all of its life.

import Basics

/// Blocks with lifetimes, and their offsets.
struct ArenaPlan {
  private struct Block {
    var count: Int
    var life: ClosedRange<Int>
    var offset = 0
  }

  private var blocks: [Block] = []
  /// Floats in all; known after `place`.
  private(set) var count = 0

  /// Asks for `count` floats during the moments of `life`; the result is for `offset(of:)`.
  mutating func reserve(_ count: Int, during life: ClosedRange<Int>) -> Int {
    blocks.append(Block(count: FloatBuffer.aligned(count), life: life))
    return blocks.count - 1
  }

  /// Gives every block its place. Cost: O(blocks^2).
  mutating func place() {
    let order = blocks.indices.filter { blocks[$0].count > 0 }
      .sorted { (-blocks[$0].count, $0) < (-blocks[$1].count, $1) }
    // In the order of their offsets.
    var placed: [Block] = []
    for index in order {
      var block = blocks[index]
      for rival in placed where rival.life.overlaps(block.life) {
        if rival.offset >= block.offset + block.count { break }
        block.offset = max(block.offset, rival.offset + rival.count)
      }
      blocks[index].offset = block.offset
      placed.insert(block, at: placed.firstIndex { $0.offset > block.offset } ?? placed.count)
      count = max(count, block.offset + block.count)
    }
  }

  /// Where a block lies.
  func offset(of block: Int) -> Int { blocks[block].offset }
}
