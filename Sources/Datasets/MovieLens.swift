// Ratings as samples: the rows of a user and of an item in tables of embeddings, and the rating as a
// number to be predicted.

import Basics
import Kernels

/// Ratings of a file.
public final class MovieLens: Dataset {
  public let count: Int
  /// `[2]`: the user's index, then the item's; each counts from 0.
  public let sampleShape = Shape([2], element: .index)
  public let classes = 1
  public let targets = TargetKind.numbers
  public let targetsPerSample = 1
  /// Different users, and items, of both halves.
  public var indexCounts: [Int] { [table.userNumbering.count, table.itemNumbering.count] }
  public var coding: DataCoding { DataCoding([table.userNumbering, table.itemNumbering]) }

  private let table: RatingsTable

  /// The catalogue's entry.
  static let format = DatasetFormat(
    summary: "MovieLens' ratings: u.data, ratings.dat or ratings.csv", argument: "FILE",
    settings: [HeldOutSplit.setting]
  ) { try open($0!, $1) }

  /// Opens a file of ratings, of which a share is held out.
  ///
  /// - Throws: `DataError` for the file, `SettingError` for the setting.
  static func open(_ path: String, _ settings: Settings) throws -> DatasetPair {
    let fraction = try HeldOutSplit.fraction(settings)
    let table = try RatingsTable(path)
    let split = try HeldOutSplit(count: table.ratings.count, fraction: fraction, path: path)
    return split.halves(of: MovieLens(table))
  }

  private init(_ table: RatingsTable) { (self.table, count) = (table, table.ratings.count) }

  /// Copies 12 bytes a sample.
  public func read(
    _ indices: UnsafeBufferPointer<Int32>, inputs: UnsafeMutableRawPointer,
    targets: UnsafeMutablePointer<Int32>, context: ReadContext, kernels: KernelTable
  ) {
    let samples = inputs.bindMemory(to: Int32.self, capacity: 2 * indices.count)
    for (place, index) in indices.enumerated() {
      let row = Int(index)
      samples[2 * place] = table.users[row]
      samples[2 * place + 1] = table.items[row]
      targets[place] = table.ratings[row]
    }
  }
}
