// How a vector is cut into one block per rank.

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
