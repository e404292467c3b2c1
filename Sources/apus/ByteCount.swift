// Lengths as people write them.

import Foundation
import Training

/// Bytes to and from text.
enum ByteCount {
  private static let units: [(String, Double)] = [
    ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("K", 1024), ("M", 1_048_576), ("G", 1_073_741_824),
    ("B", 1), ("", 1),
  ]

  /// `4`, `16K` (1024s), `25MB` (1000s).
  static func parse(_ text: String) throws -> Int {
    let trimmed = text.trimmingCharacters(in: .whitespaces).uppercased()
    for (unit, factor) in units where trimmed.hasSuffix(unit) {
      guard let number = Double(trimmed.dropLast(unit.count)), number >= 0,
        number * factor <= Double(1 << 40), (number * factor).rounded() == number * factor
      else { break }
      return Int(number * factor)
    }
    throw UsageError("'\(text)' is no number of bytes: as in 4, 16K (of 1024) or 25MB (of 1000)")
  }

  /// The shortest way to write it exactly.
  static func text(_ bytes: Int) -> String {
    for (unit, factor) in [
      ("GB", 1_000_000_000), ("G", 1 << 30), ("MB", 1_000_000), ("M", 1 << 20),
    ]
    where bytes >= factor && bytes % factor == 0 { return "\(bytes / factor)\(unit)" }
    for (unit, factor) in [("KB", 1000), ("K", 1024)] where bytes >= factor && bytes % factor == 0 {
      return "\(bytes / factor)\(unit)"
    }
    return "\(bytes)"
  }
}
