// Times and speeds as people write them.

import Foundation
import Training

/// A number with a unit.
enum Quantity {
  private static let times: [(String, Double)] = [
    ("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1),
  ]
  private static let speeds: [(String, Double)] = [
    ("Tbit/s", 1e12 / 8), ("Gbit/s", 1e9 / 8), ("Mbit/s", 1e6 / 8), ("kbit/s", 1e3 / 8),
    ("GB/s", 1e9), ("MB/s", 1e6), ("kB/s", 1e3), ("bit/s", 1.0 / 8), ("B/s", 1),
  ]

  /// Seconds: `10us`, `0.5 ms`.
  static func seconds(_ text: String) throws -> Double {
    try number(text, times, "a time as in 500ns, 10us, 2.5ms or 1s is needed")
  }

  /// Bytes per second: `25Gbit/s`, `3GB/s`.
  static func bytesPerSecond(_ text: String) throws -> Double {
    let speed = try number(text, speeds, "a speed as in 100Mbit/s, 25Gbit/s or 3GB/s is needed")
    guard speed > 0 else { throw UsageError("'\(text)': a speed above 0 is needed") }
    return speed
  }

  private static func number(_ text: String, _ units: [(String, Double)], _ wanted: String) throws
    -> Double
  {
    let trimmed = text.trimmingCharacters(in: .whitespaces)
    for (unit, factor) in units where trimmed.lowercased().hasSuffix(unit.lowercased()) {
      let digits = trimmed.dropLast(unit.count).trimmingCharacters(in: .whitespaces)
      guard let number = Double(digits), number >= 0, (number * factor).isFinite else { break }
      return number * factor
    }
    throw UsageError("'\(text)': \(wanted)")
  }

  /// `25Gbit/s`: four digits at most.
  static func text(bytesPerSecond: Double) -> String {
    let bits = bytesPerSecond * 8
    let (unit, factor) =
      [("Tbit/s", 1e12), ("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3)]
      .first { bits >= $0.1 } ?? ("bit/s", 1)
    return String(format: "%.4g", bits / factor) + unit
  }

  /// `10us`: four digits at most.
  static func text(seconds: Double) -> String {
    let (unit, factor) =
      [("s", 1), ("ms", 1e-3), ("us", 1e-6)].first { seconds >= $0.1 } ?? ("ns", 1e-9)
    return String(format: "%.4g", seconds / factor) + unit
  }
}
