// Extents as a person types them.

import Training

/// For example `28x28x1`.
struct Extents {
  /// Outermost first.
  let list: [Int]

  /// - Throws: `UsageError` naming the flag.
  init(_ text: String, flag: String) throws(UsageError) {
    list = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard list.allSatisfy({ (1...1 << 24).contains($0) }) else {
      throw UsageError("\(flag) \(text): extents as in 28x28x1 are needed")
    }
  }
}
