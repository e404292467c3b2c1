// Which samples of a single file are held out: one of every 1 / fraction neighbours, drawn. So their
// number is exact, sorted files are held out evenly, files that repeat themselves are not held out
// in step with it, and the choice is a function of the sample's number alone.

import Basics

/// Sample numbers of the two halves, ascending.
struct HeldOutSplit {
  private(set) var training: [Int32] = []
  private(set) var heldOut: [Int32] = []

  /// The setting that all formats with a single file share.
  static let setting = Setting(
    "heldout", default: "0.1",
    help: "share of the samples that is held out of a single file"
  )

  /// The share that `settings` ask for.
  static func fraction(_ settings: Settings) throws(SettingError) -> Double {
    try settings.double(setting.name, .between(0, 1))
  }

  /// Splits samples 0 ..< count. Cost: O(count).
  ///
  /// - Throws: `DataError` about `path` where a half would be empty.
  init(count: Int, fraction: Double, path: String) throws(DataError) {
    let random = CounterRandom(seed: 0, stream: .shuffle)
    var block = 0, first = 0
    training.reserveCapacity(count)
    while first < count {
      // Block b begins at sample floor(b / fraction): 1 / fraction samples, rounded up or down.
      let next = max(first + 1, Int(min(Double(block + 1) / fraction, 0x1p53)))
      let drawn = first + random.index(UInt64(block), below: next - first)
      for sample in first..<min(next, count) {
        if sample == drawn { heldOut.append(Int32(sample)) } else { training.append(Int32(sample)) }
      }
      (block, first) = (block + 1, next)
    }
    guard !training.isEmpty, !heldOut.isEmpty else {
      throw DataError(
        path: path,
        problem: "heldout=\(fraction) of \(grouped(count)) samples leaves "
          + (heldOut.isEmpty ? "none to hold out" : "none to train on"))
    }
  }
}
