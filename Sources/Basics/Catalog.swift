// Catalogues: the named things a user can choose among. Adding a method, an optimizer, a layer, an
// all-reduce or a data format is one new file and one line in its module's catalogue.

/// A name that is not in a catalogue; the text names the kind, the name, and the nearest known one.
public struct UnknownName: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence for the user.
  public let description: String

  /// - Parameters:
  ///   - kind: what was looked up, for example `optimizer`.
  ///   - name: what the user wrote.
  ///   - known: every name that would have done.
  public init(kind: String, name: String, known: [String]) {
    var text = "unknown \(kind) '\(name)'"
    if let nearest = Self.nearest(to: name, among: known) { text += "; did you mean '\(nearest)'?" }
    let list = known.isEmpty ? "there is none" : "known: " + known.sorted().joined(separator: ", ")
    description = text + " (\(list))"
  }

  /// The known name within a third of its length in single-letter edits, or the one that begins
  /// alike; `nil` when nothing resembles it.
  public static func nearest(to name: String, among known: [String]) -> String? {
    let wanted = name.lowercased()
    let ranked = known.map { ($0, distance(wanted, $0.lowercased())) }.sorted { $0 < $1 }
    guard let (best, edits) = ranked.first.map({ ($0.0, $0.1) }) else { return nil }
    if edits <= max(2, best.count / 3) { return best }
    return known.sorted().first { !wanted.isEmpty && $0.lowercased().hasPrefix(wanted.prefix(3)) }
  }

  /// Letters to insert, drop, replace or swap with a neighbour (Damerau 1964; no letter twice).
  /// Cost: O(a b).
  static func distance(_ a: String, _ b: String) -> Int {
    let a = Array(a), b = Array(b)
    var before = [Int](), row = Array(0...b.count)
    for i in a.indices {
      var next = [i + 1]
      for j in b.indices {
        var edits = min(row[j + 1] + 1, next[j] + 1, row[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
          edits = min(edits, before[j - 1] + 1)
        }
        next.append(edits)
      }
      (before, row) = (row, next)
    }
    return row[b.count]
  }
}

private func < (a: (String, Int), b: (String, Int)) -> Bool { (a.1, a.0) < (b.1, b.0) }

/// Named entries of one kind, in the order in which a list shows them.
public struct Catalog<Entry: Sendable>: Sendable {
  /// What an entry is, for messages: `optimizer`, `all-reduce`.
  public let kind: String
  /// Names and entries.
  public let entries: [(name: String, entry: Entry)]

  /// A catalogue; names must differ.
  public init(_ kind: String, _ entries: [(name: String, entry: Entry)]) {
    precondition(Set(entries.map(\.name)).count == entries.count, "two entries of one name")
    self.kind = kind
    self.entries = entries
  }

  /// Every name, in catalogue order.
  public var names: [String] { entries.map(\.name) }

  /// The entry of `name`, or an error that suggests the nearest known name.
  public func find(_ name: String) throws(UnknownName) -> Entry {
    for (known, entry) in entries where known == name { return entry }
    throw UnknownName(kind: kind, name: name, known: names)
  }
}
