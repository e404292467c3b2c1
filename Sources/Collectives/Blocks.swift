// How a vector is cut into one block per rank, and a block into segments.

/// `parts` consecutive blocks that cover 0 ..< count, as even as possible. Where every part gets at
/// least a cache line, blocks begin on cache lines (16 floats), which keeps vector code aligned;
/// shorter vectors are cut between elements, and some blocks may be empty.
public func evenBlock(_ index: Int, of parts: Int, count: Int) -> Range<Int> {
  precondition(index >= 0 && index < parts && count >= 0, "no such block")
  let line = 16
  guard count >= line * parts else {
    return count * index / parts..<count * (index + 1) / parts
  }
  let lines = (count + line - 1) / line
  return min(count, lines * index / parts * line)..<min(count, lines * (index + 1) / parts * line)
}

/// All of them.
func evenBlocks(_ parts: Int, count: Int) -> [Range<Int>] {
  (0..<parts).map { evenBlock($0, of: parts, count: count) }
}

/// Segment `index` of `parts` of a block, cut as vectors are cut into blocks.
func segment(_ index: Int, of parts: Int, in block: Range<Int>) -> Range<Int> {
  let piece = evenBlock(index, of: parts, count: block.count)
  return block.lowerBound + piece.lowerBound..<block.lowerBound + piece.upperBound
}

/// Segments of about `bytes` bytes in a block of `elements`: at least one, at most `limit`.
func segmentCount(_ elements: Int, bytes: Int, limit: Int) -> Int {
  min(limit, 1 + max(0, elements * MemoryLayout<Float>.stride - 1) / bytes)
}

/// Bytes of the longest message; longer transfers travel as several. Libraries send short messages
/// at once, while long ones ask first whether they may come. Open MPI's limit over TCP is 64 KiB
/// with its header; two ranks that exchange longer ones get half the bandwidth, because one
/// direction waits for the other (12.5 MB each way at 1 Gbit/s: 210 ms instead of 105).
public let messageBytes = 64_000
