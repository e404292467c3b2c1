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
    "heldout", default: "",
    help: "share of the samples that is held out of a single file; else 0.1"
  )

  /// The share that `settings` ask for; a tenth if they do not.
  ///
  /// - Parameter files: how many there are; of two the second is held out.
  static func fraction(_ settings: Settings, files: Int = 1) throws(SettingError) -> Double {
    let text = settings.string(setting.name)
    guard !text.isEmpty else { return 0.1 }
    guard files == 1 else {
      throw SettingError(
        setting: setting.name, value: text,
        allowed: "a single file, not one to train on and one that is held out,")
    }
    return try settings.double(setting.name, .between(0, 1))
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
