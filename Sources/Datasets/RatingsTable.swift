// MovieLens' files of ratings (Harper, Konstan: The MovieLens datasets, 2015), one rating a line: the
// user, the item, the rating, and when it was made. Three generations of the data have three forms:
//
//     196\t242\t3\t881250949                              u.data
//     1::1193::5::978300760                               ratings.dat
//     userId,movieId,rating,timestamp and 1,31,2.5,...    ratings.csv

import Basics

/// All ratings of a file.
struct RatingsTable {
  /// Per rating: the user's and the item's place among those that occur, in ascending order of ids.
  private(set) var users: [Int32] = [], items: [Int32] = []
  /// Per rating: the bits of the number.
  private(set) var ratings: [Int32] = []
  /// Different ones, by id.
  let userNumbering, itemNumbering: Numbering

  /// Where a line has what.
  private struct Columns {
    var separator: UInt8
    var user: Int, item: Int, rating: Int
    /// Columns from one field to the next: 2 where two colons stand between them.
    var step = 1
    var hasHeader = false
  }

  private static let form =
    "USER<tab>ITEM<tab>RATING<tab>TIME, USER::ITEM::RATING::TIME, or a header "
    + "with userId,movieId,rating"

  /// Reads all lines.
  ///
  /// - Throws: `DataError` that names the line.
  init(_ path: String) throws(DataError) {
    let source = try TextSource(path: path, content: "a line of " + Self.form)
    try source.requireLineFeeds()
    let columns = try Self.columns(of: source)
    var text = DelimitedText(source, separator: columns.separator)
    var numbers = (users: IndexTable(), items: IndexTable())
    var width: Int?
    if columns.hasHeader, text.beginLine() { width = try text.line().count }
    while text.beginLine() {
      let line = text.position
      var column = 0, isLast = false
      while !isLast {
        let field = try text.next()
        isLast = field.endsLine
        switch column {
        case columns.user: users.append(numbers.users.number(of: try Self.id(field, text, "user")))
        case columns.item: items.append(numbers.items.number(of: try Self.id(field, text, "item")))
        case columns.rating: ratings.append(try Self.rating(field, text))
        case _ where !column.isMultiple(of: columns.step) && !field.range.isEmpty:
          throw source.failure(at: line, "\(Self.form) is needed")
        default: break
        }
        column += 1
      }
      let expected = width ?? column
      guard column == expected, column > max(columns.user, columns.item, columns.rating) else {
        let fields = (column + columns.step - 1) / columns.step
        throw source.failure(at: line, "\(fields) fields; \(Self.form) is needed")
      }
      width = expected
      guard ratings.count < mostSamples else {
        throw source.failure(at: line, tooMany("ratings"))
      }
    }
    guard !ratings.isEmpty else { throw DataError(path: path, problem: "holds no ratings") }
    userNumbering = Numbering("users", numbers.users.order(&users).map { "\($0)" })
    itemNumbering = Numbering("items", numbers.items.order(&items).map { "\($0)" })
  }

  /// What the first line tells about the others.
  private static func columns(of source: TextSource) throws(DataError) -> Columns {
    var comma = DelimitedText(source, separator: UInt8(ascii: ","))
    guard comma.beginLine() else { throw DataError(path: source.path, problem: "holds no ratings") }
    let begin = comma.position
    let line = UnsafeBufferPointer(
      start: source.bytes + begin, count: source.lineEnd(from: begin) - begin)
    if line.contains(UInt8(ascii: "\t")) {
      return Columns(separator: UInt8(ascii: "\t"), user: 0, item: 1, rating: 2)
    }
    if line.contains(UInt8(ascii: ":")) {
      return Columns(separator: UInt8(ascii: ":"), user: 0, item: 2, rating: 4, step: 2)
    }
    let names = try comma.line().map { comma.string(of: $0) }
    guard let user = names.firstIndex(of: "userId"), let item = names.firstIndex(of: "movieId"),
      let rating = names.firstIndex(of: "rating")
    else { throw source.failure(at: begin, "\(shown(line)) where \(form) is needed") }
    return Columns(
      separator: UInt8(ascii: ","), user: user, item: item, rating: rating, hasHeader: true)
  }

  private static func id(
    _ field: DelimitedText.Field, _ text: DelimitedText, _ what: String
  ) throws(DataError) -> Int32 {
    var at = field.range.lowerBound
    let end = field.range.upperBound
    guard let id = DecimalNumber.whole(text.source.bytes, &at, end, largest: Int(Int32.max)),
      at == end
    else {
      throw text.source.failure(
        at: field.range.lowerBound,
        "\(shown(text.content(of: field))) where the number of \(what == "user" ? "a" : "an") \(what)"
          + " is needed, 0 to \(grouped(Int(Int32.max)))")
    }
    return Int32(id)
  }

  private static func rating(
    _ field: DelimitedText.Field, _ text: DelimitedText
  ) throws(DataError) -> Int32 {
    guard let rating = text.number(in: field) else {
      throw text.source.failure(
        at: field.range.lowerBound,
        "\(shown(text.content(of: field))) where a rating, a finite number, is needed")
    }
    return rating.target
  }
}

/// Ids numbered as they are met, and in ascending order at the end.
private struct IndexTable {
  private var numbers: [Int32: Int32] = [:]

  mutating func number(of id: Int32) -> Int32 {
    if let known = numbers[id] { return known }
    let number = Int32(numbers.count)
    numbers[id] = number
    return number
  }

  /// Replaces numbers in the order of meeting by places in the order of ids; returns that order.
  func order(_ indices: inout [Int32]) -> [Int32] {
    var places = [Int32](repeating: 0, count: numbers.count)
    let ordered = numbers.sorted { $0.key < $1.key }
    for (place, entry) in ordered.enumerated() { places[Int(entry.value)] = Int32(place) }
    for index in indices.indices { indices[index] = places[Int(indices[index])] }
    return ordered.map(\.key)
  }
}
