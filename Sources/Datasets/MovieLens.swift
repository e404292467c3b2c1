// Ratings as samples: the rows of a user and of an item in tables of embeddings, and the rating as a
// number to be predicted.

import Basics
import Kernels

/// Ratings of one half.
public final class MovieLens: Dataset {
  public let count: Int
  /// `[2]`: the user's index, then the item's; each counts from 0.
  public let sampleShape = Shape([2], element: .index)
  public let classes = 1
  public let targets = TargetKind.numbers
  public let targetsPerSample = 1
  /// Different users and items, of both halves.
  public var users: Int { table.userCount }
  public var items: Int { table.itemCount }
  public var indexCounts: [Int] { [users, items] }
  public var coding: DataCoding { DataCoding([table.userNumbering, table.itemNumbering]) }

  private let table: RatingsTable
  private let rows: [Int32]

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
    return DatasetPair(
      training: MovieLens(table, split.training), heldOut: MovieLens(table, split.heldOut))
  }

  private init(_ table: RatingsTable, _ rows: [Int32]) {
    (self.table, self.rows, count) = (table, rows, rows.count)
  }

  /// Copies 12 bytes a sample.
  public func read(
    _ indices: UnsafeBufferPointer<Int32>, inputs: UnsafeMutableRawPointer,
    targets: UnsafeMutablePointer<Int32>, context: ReadContext, kernels: KernelTable
  ) {
    let samples = inputs.bindMemory(to: Int32.self, capacity: 2 * indices.count)
    for (place, index) in indices.enumerated() {
      let row = Int(rows[Int(index)])
      samples[2 * place] = table.users[row]
      samples[2 * place + 1] = table.items[row]
      targets[place] = table.ratings[row]
    }
  }
}
